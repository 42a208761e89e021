/** The faults that can occur in a state, each as often as its scope permits. */
import type { ClientRecord } from "../../src/client/storage/storage.ts";
import { addSeq, type Seq, SEQ_ZERO } from "../../src/protocol/ids.ts";
import { connects, closes, OFFLINE } from "./client.ts";
import type { Step } from "./explorer.ts";
import { entryAt } from "./ledger.ts";
import { splitAtErase } from "../../src/durable-object/inbox.ts";
import { adminRequestArrives, crashes, losesMemory, sleeps, takesTurn } from "./room.ts";
import {
  changeClient,
  changeConnection,
  type Client,
  type FaultBudget,
  labelOf,
  type ModelConnection,
  spend,
  type State,
} from "./state.ts";

type Steps = Step<State>[];

/** Returns a fault as a step, if its budget is not used up. */
function fault(
  state: State,
  kind: keyof FaultBudget,
  description: string,
  change: (state: State) => State,
): Steps {
  if (state.faultsLeft[kind] === 0) return [];
  return [{ describe: () => description, isQuiet: false, take: () => change(spend(state, kind)) }];
}

/** The commit of any part of a turn fails. */
export const commitFaults = (state: State): Steps =>
  splitAtErase(state.room.inbox).flatMap((_part, index) => {
    const which = index === 0 ? "the commit" : `commit ${index + 1}`;
    return fault(state, "failedCommits", `the room runs a turn, and ${which} fails`, (next) =>
      takesTurn(next, index),
    );
  });

/** Admin requests, at any time. */
export function adminSteps(state: State): Steps {
  const { entryErasures, expulsions, erasures } = state.faultsLeft;
  const steps: Steps = [];
  if (entryErasures > 0) {
    for (const { seq, what } of erasableEntries(state)) {
      const description = `the operator erases ${what}`;
      steps.push(
        ...fault(state, "entryErasures", description, (next) =>
          adminRequestArrives(next, { type: "EraseEntry", seq }),
        ),
      );
    }
  }
  if (expulsions > 0) {
    for (const name of new Set(state.clients.map((client) => client.name))) {
      const description = `the operator expels ${name}`;
      steps.push(
        ...fault(state, "expulsions", description, (next) =>
          adminRequestArrives(next, { type: "Expel", name }),
        ),
      );
    }
  }
  if (erasures > 0) {
    const description = "the operator erases the room";
    steps.push(
      ...fault(state, "erasures", description, (next) =>
        adminRequestArrives(next, { type: "Erase" }),
      ),
    );
  }
  return steps;
}

/** The messages that have their contents, their patches, and the entries that this turn will store. */
function erasableEntries({ room, ledger }: State): { readonly seq: Seq; readonly what: string }[] {
  const stored = room.disk.segments.flat().filter((entry) => {
    const target = entry.type === "patch" ? entryAt(ledger, entry.ref) : entry;
    return target?.type === "message" && target.erased !== true;
  });
  const head = ledger.at(-1)?.seq ?? SEQ_ZERO;
  const fresh = room.inbox.flatMap((item) =>
    item.type === "frame"
      ? item.commands.filter(({ type }) => type === "Message" || type === "Patch")
      : [],
  );
  return [
    ...stored.map((entry) => ({ seq: entry.seq, what: labelOf(entry) })),
    ...fresh.map((_command, index) => ({
      seq: addSeq(head, index + 1),
      what: `the future entry ${head + index + 1}`,
    })),
  ];
}

export function anyTimeFaults(state: State): Steps {
  const { room, faultsLeft } = state;
  const steps: Steps = [];
  for (const connection of state.connections) {
    if (faultsLeft.breaks > 0) steps.push(...breakSteps(state, connection));
    if (faultsLeft.dyingSockets > 0) steps.push(...dyingSteps(state, connection));
  }
  if (room.brokerState !== undefined && room.due === undefined) {
    steps.push(...fault(state, "sleeps", "the room hibernates", sleeps));
  }
  if (room.brokerState !== undefined && room.due !== undefined) {
    steps.push(...fault(state, "memoryLosses", "the room loses its memory", losesMemory));
  }
  if (faultsLeft.crashes > 0) steps.push(...crashSteps(state));
  for (const [index, client] of state.clients.entries())
    steps.push(...clientSteps(state, index, client));
  return steps;
}

function breakSteps(
  state: State,
  { label, client: index, handshake, isHeld, isBroken, isListed, up, down }: ModelConnection,
): Steps {
  const client = state.clients[index];
  if (!isHeld || isBroken || client === undefined) return [];
  const lets = (next: State): State => changeClient(next, index, closes(client, 1006));
  if (handshake !== undefined) {
    const late = { isHeld: false, isBroken: true, up: [{ gone: 1006 }] };
    const without = (next: State): State => ({
      ...next,
      connections: next.connections.filter((connection) => connection.label !== label),
    });
    return [
      ...fault(state, "breaks", `the handshake of ${label} is lost`, (next) => lets(without(next))),
      ...fault(state, "breaks", `${label} is given up, and its handshake arrives late`, (next) =>
        lets(changeConnection(next, label, late)),
      ),
    ];
  }
  const steps: Steps = [];
  for (let rise = 0; rise <= up.length; rise++) {
    for (let fall = 0; fall <= down.length; fall++) {
      const description = `${label} breaks; ${rise} of ${up.length} frames up and ${fall} of ${down.length} down still arrive`;
      const broken = {
        isBroken: true,
        up: isListed ? [...up.slice(0, rise), { gone: 1006 }] : [],
        down: [...down.slice(0, fall), { close: 1006 }],
      };
      steps.push(
        ...fault(state, "breaks", description, (next) => changeConnection(next, label, broken)),
      );
    }
  }
  return steps;
}

/** The runtime knows that a connection is dead before the room does. */
function dyingSteps(
  state: State,
  { label, isDying, isListed, isOver, up }: ModelConnection,
): Steps {
  const [first] = up;
  if (isDying || !isListed || isOver || first === undefined || !("gone" in first)) return [];
  const description = `the runtime knows that ${label} is dead`;
  return fault(state, "dyingSockets", description, (next) =>
    changeConnection(next, label, { isDying: true }),
  );
}

/** Crashes, with every choice of the frames in transit that still arrive. */
function crashSteps(state: State): Steps {
  const held = state.connections.filter(
    ({ isHeld, isBroken, down }) => isHeld && !isBroken && down.length > 0,
  );
  let choices: Map<string, number>[] = [new Map()];
  for (const { label, down } of held) {
    choices = choices.flatMap((choice) =>
      Array.from(
        { length: down.length + 1 },
        (_none, count) => new Map([...choice, [label, count]]),
      ),
    );
  }
  return choices.flatMap((arriving) => {
    const rest = [...arriving]
      .map(([label, count]) => `; ${label} still receives ${count}`)
      .join("");
    return fault(state, "crashes", `the room crashes${rest}`, (next) => crashes(next, arriving));
  });
}

function clientSteps(state: State, index: number, client: Client): Steps {
  const { name, connectionState, socket } = client;
  if (connectionState.type === "closed") {
    // A client that the operator disconnected may try again.
    if (connectionState.code !== 4004 && connectionState.code !== 4005) return [];
    return fault(state, "returns", `${name} starts again`, (next) =>
      connects(next, index, { ...client, connectionState: OFFLINE }),
    );
  }
  if (connectionState.type === "offline") {
    // A handshake of an earlier life has another session, so the room cannot know that it was overtaken. The protocol
    // does not promise that.
    const isUnderWay = state.connections.some((other) => other.client === index && other.handshake);
    if (client.dialect === "chat.line" || isUnderWay) return [];
    return fault(state, "lostRecords", `${name} loses their record`, (next) =>
      changeClient(next, index, loseRecord(client)),
    );
  }
  const leaving = state.connections.find(({ label }) => label === socket);
  if (connectionState.type !== "live" || leaving === undefined) return [];
  return fault(state, "goodbyes", `${name} says goodbye`, (next) => {
    const up = leaving.isBroken ? leaving.up : [...leaving.up, { gone: 1000 }];
    const gone = { isHeld: false, isBroken: true, down: [], up };
    const away = { ...closes(client, 1006), isAway: true };
    return changeClient(changeConnection(next, leaving.label, gone), index, away);
  });
}

/** Starts another life under the same name. The fates of the earlier life's messages are no longer checked. */
function loseRecord(client: Client): Client {
  const { attempt, session } = client.record;
  const record: ClientRecord = { version: 2, session: `${session}'`, attempt, outbox: [] };
  return { ...client, record, acked: 0, handed: new Set(), hidden: new Set() };
}
