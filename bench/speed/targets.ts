/** The room's targets: ratios of medians of the same run, durable and confirmed, on the run's first disk. */

export interface Target {
  readonly workload: string;
  readonly metric: string;
  readonly system: string;
  /** The system whose median is the divisor; if absent, the target is for the figure itself. */
  readonly of?: string;
  readonly atMost?: number;
  readonly atLeast?: number;
}

const CPU = "server CPU, µs/message";

export const TARGETS: readonly Target[] = [
  { workload: "addressed", metric: CPU, system: "room", of: "relay", atMost: 0.35 },
  { workload: "addressed", metric: CPU, system: "arrays", of: "relay", atMost: 0.2 },
  { workload: "addressed", metric: "messages/s", system: "room", of: "relay", atLeast: 3 },
  { workload: "addressed", metric: "messages/s", system: "room", of: "insert", atLeast: 10 },
  { workload: "paced-2000", metric: "p50, ms", system: "room", of: "relay", atMost: 1.5 },
  // The room adds no wait when idle: it waits for its commit, as one INSERT does. The tenth allows for noise.
  { workload: "single", metric: "p50, ms", system: "room", of: "insert", atMost: 1.1 },
  {
    workload: "busy-1000",
    metric: "server CPU, µs/delivery",
    system: "room",
    of: "relay",
    atMost: 0.12,
  },
  {
    workload: "replay-10k",
    metric: "server CPU, µs/entry",
    system: "room",
    of: "insert",
    atMost: 0.1,
  },
  {
    workload: "replay-10k",
    metric: "until all is there, ms",
    system: "room",
    of: "socket.io",
    atMost: 1,
  },
  {
    workload: "storm",
    metric: "join, server CPU, µs each",
    system: "room",
    of: "relay",
    atMost: 1.5,
  },
  {
    workload: "storm",
    metric: "back, server CPU, µs each",
    system: "room",
    of: "relay",
    atMost: 1.2,
  },
  { workload: "idle", metric: "KiB/connection", system: "room", of: "relay", atMost: 1.1 },
  { workload: "slow-readers", metric: "p99 disturbed ÷ p99 alone", system: "room", atMost: 1.5 },
];
