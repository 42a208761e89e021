/** Makes a model to explore from a scope: its initial state, its steps, its rules. */
import { defaultLimits } from "../../src/config/limits.ts";
import type { PeerName, Seq } from "../../src/protocol/ids.ts";
import { emptyDisk } from "../support/storage/memory-storage.ts";
import { OFFLINE } from "./client.ts";
import type { Model } from "./explorer.ts";
import { isGoodEnd, isSound } from "./invariants.ts";
import { EMPTY } from "./view.ts";
import { stepsOf } from "./steps.ts";
import { canonicalText } from "./canonical-text.ts";
import type {
  Client,
  FaultBudget,
  Person,
  Referring,
  Said,
  Scope,
  ScriptedItem,
  State,
} from "./state.ts";

const NONE: FaultBudget = {
  breaks: 0,
  crashes: 0,
  sleeps: 0,
  memoryLosses: 0,
  failedCommits: 0,
  duplicateSignals: 0,
  delays: 0,
  dyingSockets: 0,
  goodbyes: 0,
  returns: 0,
  lostRecords: 0,
  entryErasures: 0,
  expulsions: 0,
  erasures: 0,
};

export const modelOf = (scope: Scope): Model<State> => ({
  initial: initialOf(scope),
  steps: stepsOf,
  canonicalText: canonicalText,
  isSound,
  isGoodEnd,
});

function initialOf(scope: Scope): State {
  const now = 1_800_000_000_000;
  const clients = scope.people.map(clientOf);
  const disk = emptyDisk();
  if (scope.start !== "unknown") {
    const row = {
      owner: "",
      birth: 0 as Seq,
      cursor: 0 as Seq,
      seen: now,
      spent: [],
      head: 0 as Seq,
    };
    const known = clients.filter(({ person }) => person.isUnknown !== true);
    disk.peers = new Map(known.map(({ name }) => [name, row]));
  }
  const asleep = { brokerState: undefined, due: undefined, newest: undefined, inbox: [], joins: 0 };
  let state: State = {
    scope,
    // Without a log quota, the quota's state can stay out of the canonical text.
    limits: { ...defaultLimits(), share: 0, ...scope.limits },
    room: { now, epoch: 1, disk, pending: new Map(), ...asleep },
    connections: [],
    clients,
    ledger: [],
    erased: new Map(),
    rejected: new Set(),
    faultsLeft: NONE,
    hasLostPresence: false,
  };
  if (scope.start === "connected") state = settle(state);
  return { ...state, faultsLeft: { ...NONE, ...scope.faults } };
}

/** Takes quiet steps until none is left. */
function settle(state: State): State {
  for (;;) {
    const step = stepsOf(state).find(({ isQuiet }) => isQuiet);
    if (step === undefined) return state;
    state = step.take();
  }
}

function clientOf(person: Person, index: number): Client {
  const { name, dialect = "chat.v1", says = [] } = person;
  const labels = says.map((_item, place) => `${name[0]}${index}${place + 1}`);
  const script = says.map((item, place) => itemOf(item, place, labels));
  return {
    person,
    name: name as PeerName,
    dialect,
    script,
    record: { version: 2, session: `session${index}`, attempt: 0, outbox: [] },
    connectionState: OFFLINE,
    socket: undefined,
    acked: 0,
    mark: undefined,
    handed: new Set(),
    saidCount: 0,
    isAway: person.isUnknown === true,
    position: 0,
    mayHearAgain: false,
    fates: new Map(),
    hidden: new Set(),
    view: EMPTY,
    referredIn: new Map(),
  };
}

function itemOf(item: Said | Referring, place: number, labels: readonly string[]): ScriptedItem {
  const label = labels[place] ?? "";
  if (item === "everyone") return { label };
  const targetOf = (target: number): string => labels[target - 1] ?? "";
  if ("edits" in item) return { label, target: targetOf(item.edits), change: { text: label } };
  if ("erases" in item) return { label, target: targetOf(item.erases), change: { erase: true } };
  if ("answers" in item) return { label, target: targetOf(item.answers) };
  if ("editsDataOf" in item) {
    return { label, target: targetOf(item.editsDataOf), change: { data: { by: label } } };
  }
  return { label, to: item };
}
