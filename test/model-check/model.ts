/**
 * A scope as a model to explore: its first world, its steps, its rules.
 */
import { defaultLimits } from "../../src/config/limits.ts";
import type { PeerName, Seq } from "../../src/protocol/ids.ts";
import { emptyDisk } from "../support/storage/memory-storage.ts";
import { OFFLINE } from "./client.ts";
import type { Model } from "./explorer.ts";
import { isGoodEnd, isSound } from "./invariants.ts";
import { stepsOf } from "./steps.ts";
import { textOf } from "./canonical-text.ts";
import type { Client, FaultBudget, Person, Scope, State } from "./state.ts";

const NONE: FaultBudget = {
  breaks: 0,
  crashes: 0,
  sleeps: 0,
  losses: 0,
  failures: 0,
  echoes: 0,
  delays: 0,
  dyings: 0,
  goodbyes: 0,
  returns: 0,
  amnesias: 0,
  redactions: 0,
  expulsions: 0,
  erasures: 0,
};

export const modelOf = (scope: Scope): Model<State> => ({
  initial: initialOf(scope),
  steps: stepsOf,
  text: textOf,
  isSound,
  isGoodEnd,
});

function initialOf(scope: Scope): State {
  const now = 1_800_000_000_000;
  const clients = scope.people.map(clientOf);
  const disk = emptyDisk();
  if (scope.start !== "strangers") {
    const row = {
      owner: "",
      birth: 0 as Seq,
      cursor: 0 as Seq,
      seen: now,
      spent: [],
      head: 0 as Seq,
    };
    const known = clients.filter(({ person }) => person.isStranger !== true);
    disk.peers = new Map(known.map(({ name }) => [name, row]));
  }
  const asleep = { state: undefined, due: undefined, newest: undefined, inbox: [], joins: 0 };
  let world: State = {
    scope,
    // A name's share of the log is no matter here, and so may stay out of a world's text.
    limits: { ...defaultLimits(), share: 0, ...scope.limits },
    room: { now, epoch: 1, disk, pending: new Map(), ...asleep },
    links: [],
    clients,
    ledger: [],
    erased: new Map(),
    refused: new Set(),
    left: NONE,
    hasLostNews: false,
  };
  if (scope.start === "connected") world = settled(world);
  return { ...world, left: { ...NONE, ...scope.disturbances } };
}

/** Lets the quiet steps happen until none is left. */
function settled(world: State): State {
  for (;;) {
    const step = stepsOf(world).find(({ isQuiet }) => isQuiet);
    if (step === undefined) return world;
    world = step.take();
  }
}

function clientOf(person: Person, index: number): Client {
  const { name, dialect = "chat.v1", says = [] } = person;
  const script = says.map((to, place) => ({
    label: `${name[0]}${index}${place + 1}`,
    ...(to !== "everyone" && { to }),
  }));
  return {
    person,
    name: name as PeerName,
    dialect,
    script,
    record: { version: 1, session: `session${index}`, attempt: 0, outbox: [] },
    link: OFFLINE,
    socket: undefined,
    acked: 0,
    mark: undefined,
    handed: new Set(),
    said: 0,
    isAway: person.isStranger === true,
    position: 0,
    mayHearAgain: false,
    fates: new Map(),
    hidden: new Set(),
  };
}
