/** What the room is held to: ratios of medians in the same run, durable and confirmed, on the first disk of the run. */

export interface Target {
  readonly workload: string;
  readonly metric: string;
  readonly contender: string;
  /** Whose median it is divided by; without one, the figure itself is meant. */
  readonly of?: string;
  readonly atMost?: number;
  readonly atLeast?: number;
}

const CPU = "server CPU, µs/message";

export const TARGETS: readonly Target[] = [
  { workload: "addressed", metric: CPU, contender: "room", of: "relay", atMost: 0.35 },
  { workload: "addressed", metric: CPU, contender: "arrays", of: "relay", atMost: 0.2 },
  { workload: "addressed", metric: "messages/s", contender: "room", of: "relay", atLeast: 3 },
  { workload: "addressed", metric: "messages/s", contender: "room", of: "insert", atLeast: 10 },
  { workload: "paced", metric: "p50, ms", contender: "room", of: "relay", atMost: 1.5 },
  // No added wait when idle: what it waits for is its commit, as who writes one row does. A tenth is this rig's noise.
  { workload: "single", metric: "p50, ms", contender: "room", of: "insert", atMost: 1.1 },
  {
    workload: "busy-1000",
    metric: "server CPU, µs/delivery",
    contender: "room",
    of: "relay",
    atMost: 0.12,
  },
  {
    workload: "replay-10k",
    metric: "server CPU, µs/entry",
    contender: "room",
    of: "insert",
    atMost: 0.1,
  },
  {
    workload: "replay-10k",
    metric: "until all is there, ms",
    contender: "room",
    of: "socket.io",
    atMost: 1,
  },
  {
    workload: "storm",
    metric: "join, server CPU, µs each",
    contender: "room",
    of: "relay",
    atMost: 1.5,
  },
  {
    workload: "storm",
    metric: "back, server CPU, µs each",
    contender: "room",
    of: "relay",
    atMost: 1.2,
  },
  { workload: "idle", metric: "KiB/connection", contender: "room", of: "relay", atMost: 1.1 },
  { workload: "slow-readers", metric: "p99 beside ÷ p99 alone", contender: "room", atMost: 1.5 },
];
