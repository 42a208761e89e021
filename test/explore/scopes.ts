/**
 * The scopes: small worlds, each with what may be said in it and what may go wrong.
 *
 * `SMALL` ones are explored by every `npm test`, `LARGE` ones by `npm run explore`.
 */
import type { Person, Scope } from "./world.ts";

const ALL = "everyone";
const bob: Person = { name: "bob" };
const hears = { start: "connected" } as const;

export const SMALL: readonly Scope[] = [
  {
    name: "strangers",
    why: "who is not known yet is refused; who joins late has missed nothing that concerns them",
    people: [
      { name: "alice", says: [ALL, ["bob"]] },
      { name: "bob", says: [["alice"]] },
    ],
    start: "strangers",
    disturbances: {},
  },
  {
    name: "break",
    why: "a link breaks with two messages anywhere on their way",
    people: [{ name: "alice", says: [ALL, ["bob"]] }, bob],
    ...hears,
    disturbances: { breaks: 1 },
  },
  {
    name: "two breaks",
    why: "three connections: takeover, late frames, a handshake that its successor overtakes",
    people: [{ name: "alice", says: [["alice"]] }],
    ...hears,
    disturbances: { breaks: 2, echoes: 1 },
  },
  {
    name: "both break",
    why: "a message on its way while either link, or both, break",
    people: [{ name: "alice", says: [["bob"]] }, bob],
    ...hears,
    disturbances: { breaks: 2 },
  },
  {
    name: "refusal",
    why: "a refusal dies with its link: the next confirmation tells it",
    people: [{ name: "alice", says: [["nobody"], ALL] }],
    ...hears,
    disturbances: { breaks: 2 },
  },
  {
    name: "sleep",
    why: "the room hibernates, and is woken by a word, an ack, a handshake, the death of a link, its echo",
    people: [{ name: "alice", says: [["bob"]] }, bob],
    ...hears,
    disturbances: { sleeps: 2, breaks: 1, echoes: 1 },
  },
  {
    name: "loss",
    why: "the room loses its memory with frames in flight, in both directions",
    people: [{ name: "alice", says: [ALL, ["bob"]] }, bob],
    ...hears,
    disturbances: { losses: 2 },
  },
  {
    name: "loss and break",
    why: "the same, while links break and come back",
    people: [{ name: "alice", says: [["bob"]] }, bob],
    ...hears,
    disturbances: { losses: 1, breaks: 1 },
  },
  {
    name: "crash",
    why: "the room loses memory and sockets, twice",
    people: [{ name: "alice", says: [ALL, ["bob"]] }, bob],
    ...hears,
    disturbances: { crashes: 2 },
  },
  {
    name: "crash and break",
    why: "handshakes and failure signals of before the crash come after it",
    people: [{ name: "alice", says: [["bob"]] }, bob],
    ...hears,
    disturbances: { crashes: 1, breaks: 1 },
  },
  {
    name: "failing commit",
    why: "a turn that is not stored shows nothing, and is made up for",
    people: [{ name: "alice", says: [ALL, ["nobody"]] }, bob],
    start: "known",
    disturbances: { failures: 1 },
  },
  {
    name: "failing commit and break",
    why: "a removal whose commit fails stays a removal",
    people: [{ name: "alice", says: [["bob"]] }, bob],
    ...hears,
    disturbances: { failures: 1, breaks: 1 },
  },
  {
    name: "window",
    why: "one entry in flight: the rest waits in the log, through a loss of memory",
    people: [{ name: "alice", says: [ALL, ["bob"], ALL] }, bob],
    ...hears,
    limits: { window: 1 },
    disturbances: { losses: 1 },
  },
  {
    name: "window and lost record",
    why: "what waits behind a full window is not taken for processed when its link breaks behind an ack",
    people: [{ name: "alice", says: [["bob"], ["bob"]] }, bob],
    ...hears,
    limits: { window: 1 },
    disturbances: { breaks: 1, amnesias: 1 },
  },
  {
    name: "gap",
    why: "the log keeps one entry: gaps are told, fates unknown, and the newest entry concerns only its sender",
    people: [{ name: "alice", says: [["bob"], ["alice"]] }, bob],
    ...hears,
    limits: { logEntries: 1 },
    disturbances: { breaks: 1 },
  },
  {
    name: "gap and loss",
    why: "a gap that was told and not acknowledged when the room loses its memory",
    people: [{ name: "alice", says: [["bob"], ["alice"]] }, bob],
    ...hears,
    limits: { logEntries: 1, window: 1 },
    disturbances: { losses: 1, crashes: 1 },
  },
  {
    name: "line sender",
    why: "what a line says is not said again: the last words before a goodbye arrive",
    people: [{ name: "alice", dialect: "chat.line", says: [ALL] }, bob],
    ...hears,
    disturbances: { goodbyes: 1, returns: 1, breaks: 1 },
  },
  {
    name: "line receiver",
    why: "what was handed over is not handed again after a wake; the second message is the test of it",
    people: [
      { name: "alice", says: [["bob"], ["bob"]] },
      { name: "bob", dialect: "chat.line" },
    ],
    ...hears,
    disturbances: { losses: 1, breaks: 1 },
  },
  {
    name: "line receiver dying",
    why: "what a dying socket does not take was not handed over",
    people: [
      { name: "alice", says: [["bob"]] },
      { name: "bob", dialect: "chat.line" },
    ],
    ...hears,
    disturbances: { dyings: 1, breaks: 1, crashes: 1 },
  },
  {
    name: "goodbye",
    why: "who leaves and returns finds what came meanwhile",
    people: [{ name: "alice", says: [["bob"]] }, bob],
    ...hears,
    disturbances: { goodbyes: 2, returns: 2 },
  },
  {
    name: "presence",
    why: "who is online, as everyone was told it: grace, quick returns, takeovers",
    people: [{ name: "alice" }, bob],
    start: "known",
    disturbances: { goodbyes: 1, returns: 1, breaks: 1, delays: 1 },
    watchesPresence: true,
  },
  {
    name: "slow link",
    why: "time passes although something is on its way: whoever acknowledges nothing is let go, and comes back",
    people: [{ name: "alice", says: [["bob"]] }, bob],
    ...hears,
    disturbances: { delays: 2 },
  },
  {
    name: "two devices",
    why: "two clients of one name: the older one is replaced for good",
    people: [{ name: "alice", says: [ALL] }, { name: "alice" }],
    start: "known",
    disturbances: {},
  },
  {
    name: "lost record",
    why: "a client without a cursor goes on where the room thinks it is",
    people: [{ name: "alice", says: [["bob"]] }, bob],
    ...hears,
    disturbances: { amnesias: 1, breaks: 1 },
  },
  {
    name: "erasure",
    why: "another epoch: every cursor is void, and what is undecided is sent anew",
    people: [{ name: "alice", says: [ALL, ["alice"]] }, bob],
    ...hears,
    disturbances: { erasures: 1 },
  },
  {
    name: "forgetting",
    why: "the room knows one name at most: who was forgotten in between is told what they missed",
    people: [{ name: "alice" }, { name: "carol", says: [ALL], isStranger: true }],
    ...hears,
    limits: { names: 1 },
    disturbances: { goodbyes: 2, returns: 3, sleeps: 1 },
  },
];

export const LARGE: readonly Scope[] = [
  {
    name: "large: talk and breaks",
    why: "two messages each way, and two links break",
    people: [
      { name: "alice", says: [["bob"], ALL] },
      { name: "bob", says: [["alice"]] },
    ],
    ...hears,
    disturbances: { breaks: 2 },
  },
  {
    name: "large: everything once",
    why: "one message, and one of each disturbance",
    people: [{ name: "alice", says: [["bob"]] }, bob],
    ...hears,
    disturbances: { breaks: 1, crashes: 1, losses: 1, failures: 1, echoes: 1 },
  },
  {
    name: "large: gaps",
    why: "two messages, a log of one entry, a window of one, breaks and a loss of memory",
    people: [{ name: "alice", says: [["bob"], ALL] }, bob],
    ...hears,
    limits: { logEntries: 1, window: 1 },
    disturbances: { breaks: 2, losses: 1 },
  },
  {
    name: "large: lines",
    why: "lines both ways, with breaks, losses of memory and a crash",
    people: [
      { name: "alice", dialect: "chat.line", says: [ALL, ["bob"]] },
      { name: "bob", dialect: "chat.line", says: [["alice"]] },
    ],
    ...hears,
    disturbances: { breaks: 1, losses: 1, crashes: 1, dyings: 1 },
  },
];
