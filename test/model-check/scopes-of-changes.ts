/** The scopes in which messages are changed and erased, by their senders and by the operator; see scopes.ts. */
import type { Person, Scope } from "./state.ts";

export const ALL = "everyone";
export const bob: Person = { name: "bob" };
export const connected = { start: "connected" } as const;

export const CHANGES: readonly Scope[] = [
  {
    name: "edit",
    why: "two people change what they said at the same time; a patch reaches nobody else",
    people: [
      { name: "alice", says: [ALL, { edits: 1 }] },
      { name: "bob", says: [["bob"], { edits: 1 }] },
    ],
    ...connected,
    faults: {},
  },
  {
    name: "edit and break",
    why: "a patch is lost with its connection, or arrives twice, and is stored once",
    people: [{ name: "alice", says: [["bob"], { edits: 1 }] }, bob],
    ...connected,
    faults: { breaks: 1 },
  },
  {
    name: "edit and loss",
    why: "a patch waits behind the message that it changes, through a loss of memory",
    people: [{ name: "alice", says: [["bob"], { edits: 1 }] }, bob],
    ...connected,
    limits: { window: 1 },
    faults: { memoryLosses: 1 },
  },
  {
    name: "edit and gap",
    why: "the log keeps one entry: a patch outlives its message, and a gap hides it from who has that",
    people: [{ name: "alice", says: [["bob"], { edits: 1 }, ["bob"]] }, bob],
    ...connected,
    limits: { logEntries: 1 },
    faults: { breaks: 1 },
  },
  {
    name: "edit of what is gone",
    why: "the log keeps one entry: a change of what it no longer has is refused",
    people: [{ name: "alice", says: [["bob"], { edits: 1 }, { edits: 1 }] }, bob],
    ...connected,
    limits: { logEntries: 1 },
    faults: {},
  },
  {
    name: "edit and lost record",
    why: "an application that has the message gets it and its patch again",
    people: [{ name: "alice", says: [["bob"], { edits: 1 }] }, bob],
    ...connected,
    faults: { lostRecords: 1, breaks: 1 },
  },
  {
    name: "two edits and break",
    why: "of the patches of an entry only the last has contents: what all of them have changed",
    people: [{ name: "alice", says: [ALL, { edits: 1 }, { editsDataOf: 1 }] }, bob],
    ...connected,
    faults: { breaks: 1 },
  },
  {
    name: "erase while away",
    why: "an erasure reaches a client that left with a copy",
    people: [{ name: "alice", says: [["bob"], { erases: 1 }] }, bob],
    ...connected,
    faults: { goodbyes: 1, returns: 1 },
  },
  {
    name: "edit and failing commit",
    why: "a patch whose commit fails changes nothing, and is sent again",
    people: [{ name: "alice", says: [["bob"], { edits: 1 }] }, bob],
    ...connected,
    faults: { failedCommits: 1 },
  },
  {
    name: "edit and operator",
    why: "the operator erases what its author changes, by its own seq or by that of the patch: it stays erased",
    people: [{ name: "alice", says: [["alice"], { edits: 1 }] }, bob],
    ...connected,
    limits: { window: 1 },
    faults: { entryErasures: 2, memoryLosses: 1 },
  },
  {
    name: "edit, operator and gap",
    why: "the operator erases a patch that has outlived its message",
    people: [{ name: "alice", says: [["bob"], { edits: 1 }] }, bob],
    ...connected,
    limits: { logEntries: 1 },
    faults: { entryErasures: 2, memoryLosses: 1 },
  },
  {
    name: "edit and expulsion",
    why: "a name claimed anew gets no patch of what its predecessor got, and changes nothing of it",
    people: [{ name: "alice", says: [["bob"], { edits: 1 }] }, bob],
    ...connected,
    faults: { expulsions: 1, returns: 1 },
  },
  {
    name: "edit after expulsion",
    why: "a name claimed anew changes nothing of its predecessor, though it can read it",
    people: [{ name: "alice", says: [ALL, { edits: 1 }, { erases: 1 }] }],
    ...connected,
    faults: { expulsions: 1, returns: 1 },
  },
  {
    name: "edit and forgetting",
    why: "as `edit after expulsion`, where the room remembers one name at most",
    people: [
      { name: "alice", says: [ALL, { edits: 1 }] },
      { name: "carol", isUnknown: true },
    ],
    ...connected,
    limits: { names: 1 },
    faults: { goodbyes: 2, returns: 2 },
  },
  {
    name: "operator erases and expulsion",
    why: "an erasure does not reach the next owner of its author's name",
    people: [{ name: "alice", says: [["bob"]] }, bob],
    ...connected,
    faults: { entryErasures: 1, expulsions: 1, returns: 1 },
  },
  {
    name: "edit and erasure",
    why: "a patch of the erased room is never sent to the next one, and is reported",
    people: [{ name: "alice", says: [ALL, { edits: 1 }] }, bob],
    ...connected,
    faults: { erasures: 1, returns: 1 },
  },
  {
    name: "answer and erasure",
    why: "an answer to a message of the erased room is never sent to the next one, and is reported",
    people: [{ name: "alice", says: [ALL, { answers: 1 }] }],
    ...connected,
    faults: { erasures: 1, returns: 1 },
  },
  {
    name: "operator erases a line",
    why: "a chat.line client gets the erasure of what it sent, and of what it sent to itself",
    people: [{ name: "alice", dialect: "chat.line", says: [ALL, ["alice"]] }],
    ...connected,
    faults: { entryErasures: 1, memoryLosses: 1 },
  },
  {
    name: "edit on a line",
    why: "a chat.line client gets the patches of what it got, once",
    people: [
      { name: "alice", says: [["bob"], { edits: 1 }] },
      { name: "bob", dialect: "chat.line" },
    ],
    ...connected,
    faults: { breaks: 1, memoryLosses: 1 },
  },
];
