/**
 * The cost of a month, from the platform's prices and from counts of this build. docs/cost.md shows it; the test that
 * counts compares the two.
 */

/** Counted in the runtime, per event. */
export interface CountedCosts {
  readonly rowsPerMessage: number;
  readonly rowsPerHundredInOneTurn: number;
  readonly rowsPerIntervalOfFive: number;
  readonly rowsPerAck: number;
  readonly rowsPerNewName: number;
  readonly rowsPerKnownName: number;
  readonly rowsPerLeave: number;
  readonly rowsPerCheckpoint: number;
  readonly rowsPerTrimmedRow: number;
  readonly rowsReadPerMessage: number;
  readonly requestsPerJoin: number;
  /** Incoming frames for one message to everyone, in a room of twenty: the message, and everyone's ack. */
  readonly framesInForTwenty: number;
  /** Stored bytes of a message with 100 bytes of text, in its own row; rounded up to hundreds. */
  readonly bytesPerMessage: number;
}

/** Dollars, and the amounts included per month (paid plan) or per day (free plan). Source and date: docs/cost.md. */
const PRICES = {
  requests: { dollarsPerMillion: 0.15, includedAMonth: 1e6, freeADay: 100_000 },
  "GB-s": { dollarsPerMillion: 12.5, includedAMonth: 400_000, freeADay: 13_000 },
  "rows written": { dollarsPerMillion: 1, includedAMonth: 50e6, freeADay: 100_000 },
  "rows read": { dollarsPerMillion: 0.001, includedAMonth: 25e9, freeADay: 5e6 },
} as const;
type Metric = keyof typeof PRICES;

/** Incoming frames that count as one request. */
const FRAMES_PER_REQUEST = 20;
/** An object is billed for 128 MB, as in the platform's own examples. */
const GB_S_PER_SECOND = 0.128;
const DAYS = 30;
const ENTRIES_PER_CHECKPOINT = 256;
const PINGS_PER_HOUR = 120;

interface Scenario {
  readonly name: string;
  readonly people: number;
  readonly hoursADay: number;
  readonly messagesADay: number;
  /** Messages per commit; each commit is one frame to everyone and one ack from everyone. */
  readonly messagesPerCommit: number;
  /** Joins and leaves of each person per day. */
  readonly visits: number;
  /** Seconds per day in which the object is active or cannot hibernate. */
  readonly activeSeconds: number;
  /** Rows per message in another design, before deletion. */
  readonly rowsPerMessage?: number;
}

const BUSY = {
  people: 200,
  hoursADay: 8,
  messagesADay: 5 * 3_600 * 8,
  visits: 2,
  activeSeconds: 8 * 3_600,
};
const quietMessages = 500;
const SCENARIOS: readonly Scenario[] = [
  {
    name: "idle",
    people: 100,
    hoursADay: 24,
    messagesADay: 0,
    messagesPerCommit: 1,
    visits: 0,
    activeSeconds: 0,
  },
  {
    name: "quiet",
    people: 10,
    hoursADay: 8,
    messagesADay: quietMessages,
    messagesPerCommit: 1,
    visits: 5,
    // One second per message until the last ack; 15 s of grace after each broken connection, every second visit.
    activeSeconds: quietMessages + (10 * 5 * 15) / 2,
  },
  { name: "busy", messagesPerCommit: 1, ...BUSY },
  { name: "busy, `COMMIT_INTERVAL_MS = 1000`", messagesPerCommit: 5, ...BUSY },
  { name: "busy, a row per recipient", messagesPerCommit: 1, rowsPerMessage: 200, ...BUSY },
];

/** Returns what one day of a scenario uses. */
function day(scenario: Scenario, counted: CountedCosts): Record<Metric, number> {
  const { people, messagesADay, messagesPerCommit, visits } = scenario;
  const commits = messagesADay / messagesPerCommit;
  // Counted with twenty people: one frame is the message, the others are acks, one from each.
  const acks = ((counted.framesInForTwenty - 1) / 20) * people * commits;
  const pings = people * scenario.hoursADay * PINGS_PER_HOUR;
  const joins = people * visits;
  const perCommit =
    messagesPerCommit === 1
      ? counted.rowsPerMessage
      : counted.rowsPerIntervalOfFive * (messagesPerCommit / 5);
  const stored = (scenario.rowsPerMessage ?? perCommit) * commits;
  const checkpoints = (messagesADay / ENTRIES_PER_CHECKPOINT) * counted.rowsPerCheckpoint;
  const visitRows = joins * (counted.rowsPerKnownName + counted.rowsPerLeave);
  return {
    requests: joins * counted.requestsPerJoin + (messagesADay + acks + pings) / FRAMES_PER_REQUEST,
    "GB-s": scenario.activeSeconds * GB_S_PER_SECOND,
    "rows written": stored * (1 + counted.rowsPerTrimmedRow) + checkpoints + visitRows,
    "rows read": counted.rowsReadPerMessage * commits,
  };
}

const METRICS = Object.keys(PRICES) as Metric[];
const dollars = (amount: number): string => `$${amount.toFixed(2)}`;
const round = (value: number): string => Math.round(value).toLocaleString("en-US");

function list(used: Record<Metric, number>): number {
  const priced = METRICS.map((metric) => (used[metric] / 1e6) * PRICES[metric].dollarsPerMillion);
  return priced.reduce((sum, price) => sum + price, 0);
}

const aboveIncluded = (used: Record<Metric, number>): Record<Metric, number> =>
  Object.fromEntries(
    METRICS.map((metric) => [metric, Math.max(0, used[metric] - PRICES[metric].includedAMonth)]),
  ) as Record<Metric, number>;

/** Returns the tightest limit of the free plan, and the share of it that a day uses. */
function wall(used: Record<Metric, number>): string {
  const shares = METRICS.map((metric) => [metric, used[metric] / PRICES[metric].freeADay] as const);
  const [metric, share] = shares.reduce((worst, next) => (next[1] > worst[1] ? next : worst));
  return `${metric}, ${round(share * 100)} %`;
}

const table = (rows: readonly (readonly string[])[]): string => {
  const [head = [], ...body] = rows;
  return [head, head.map(() => "---"), ...body].map((row) => `| ${row.join(" | ")} |`).join("\n");
};

/** Returns the tables of docs/cost.md. */
export function tables(counted: CountedCosts): string {
  const figures: [string, number, string][] = [
    ["a message in a turn of its own, to any number of recipients", counted.rowsPerMessage, "row"],
    ["a hundred messages in one turn", counted.rowsPerHundredInOneTurn, "row"],
    ["five messages in one `COMMIT_INTERVAL_MS`", counted.rowsPerIntervalOfFive, "row"],
    ["an ack", counted.rowsPerAck, "rows"],
    ["a join under a new name", counted.rowsPerNewName, "row"],
    ["a join under a known name", counted.rowsPerKnownName, "rows"],
    ["a disconnect", counted.rowsPerLeave, "row"],
    ["a checkpoint of the cursors, every 256 messages", counted.rowsPerCheckpoint, "row"],
    ["a trimmed row of the log", counted.rowsPerTrimmedRow, "row"],
    ["a message in a turn of its own, reads", counted.rowsReadPerMessage, "row read"],
    ["a connect", counted.requestsPerJoin, "request"],
    [
      "a message to everyone in a room of twenty, with its acks",
      counted.framesInForTwenty,
      "frames in",
    ],
    ["100 bytes of text in the log, at most", counted.bytesPerMessage, "bytes"],
  ];
  const months = SCENARIOS.map((scenario) => {
    const daily = day(scenario, counted);
    const entries = METRICS.map((metric) => [metric, daily[metric] * DAYS] as const);
    const used = Object.fromEntries(entries) as Record<Metric, number>;
    return [
      scenario.name,
      round(used["rows written"]),
      round(used.requests),
      round(used["GB-s"]),
      dollars(list(used)),
      dollars(list(aboveIncluded(used))),
      wall(daily),
    ];
  });
  return [
    table([["counted", ""], ...figures.map(([what, value, unit]) => [what, `${value} ${unit}`])]),
    "",
    table([
      [
        "a month",
        "rows written",
        "requests",
        "GB-s",
        "list price",
        "above the plan",
        "free plan: tightest limit",
      ],
      ...months,
    ]),
  ].join("\n");
}
