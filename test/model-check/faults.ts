/**
 * What can go wrong in a world, each as often as its scope says.
 */
import type { ClientRecord } from "../../src/client/storage/storage.ts";
import type { Seq } from "../../src/protocol/ids.ts";
import { addSeq, SEQ_ZERO } from "../../src/protocol/ids.ts";
import { connects, letsGo, OFFLINE } from "./client.ts";
import type { Step } from "./explorer.ts";
import { splitAtErase } from "../../src/durable-object/inbox.ts";
import { asks, crashes, losesMemory, sleeps, takesTurn } from "./room.ts";
import {
  changeClient,
  changeLink,
  type Client,
  type FaultBudget,
  labelOf,
  type ModelConnection,
  spend,
  type State,
} from "./state.ts";

type Steps = Step<State>[];

/** A disturbance, if there is one of its kind left. */
function one(
  world: State,
  kind: keyof FaultBudget,
  words: string,
  change: (world: State) => State,
): Steps {
  if (world.left[kind] === 0) return [];
  return [{ words: () => words, isQuiet: false, take: () => change(spend(world, kind)) }];
}

/** The commit of any part of a turn fails. */
export const whileEventsWait = (world: State): Steps =>
  splitAtErase(world.room.inbox).flatMap((_part, index) => {
    const which = index === 0 ? "the commit" : `commit ${index + 1}`;
    return one(world, "failures", `the room takes its turn, and ${which} fails`, (next) =>
      takesTurn(next, index),
    );
  });

/** What the operator may ask of the room, whatever waits there. */
export function orders(world: State): Steps {
  const { redactions, expulsions, erasures } = world.left;
  const steps: Steps = [];
  if (redactions > 0) {
    for (const { seq, what } of erasable(world)) {
      const words = `the operator erases the text of ${what}`;
      steps.push(...one(world, "redactions", words, (next) => asks(next, { type: "Redact", seq })));
    }
  }
  if (expulsions > 0) {
    for (const name of new Set(world.clients.map((client) => client.name))) {
      const words = `the operator expels ${name}`;
      steps.push(...one(world, "expulsions", words, (next) => asks(next, { type: "Expel", name })));
    }
  }
  if (erasures > 0) {
    const words = "the operator erases the room";
    steps.push(...one(world, "erasures", words, (next) => asks(next, { type: "Erase" })));
  }
  return steps;
}

/** The entries that have their text, and those that this turn will bring. */
function erasable({ room, ledger }: State): { readonly seq: Seq; readonly what: string }[] {
  const stored = room.disk.segments.flat().filter(({ redacted }) => redacted !== true);
  const head = ledger.at(-1)?.seq ?? SEQ_ZERO;
  const fresh = room.inbox.flatMap((item) =>
    item.type === "frame" ? item.commands.filter(({ type }) => type === "Message") : [],
  );
  return [
    ...stored.map((entry) => ({ seq: entry.seq, what: labelOf(entry) })),
    ...fresh.map((_command, index) => ({
      seq: addSeq(head, index + 1),
      what: `what will be entry ${head + index + 1}`,
    })),
  ];
}

export function anyTime(world: State): Steps {
  const { room, left } = world;
  const steps: Steps = [];
  for (const link of world.links) {
    if (left.breaks > 0) steps.push(...breaks(world, link));
    if (left.dyings > 0) steps.push(...dies(world, link));
  }
  if (room.state !== undefined && room.due === undefined) {
    steps.push(...one(world, "sleeps", "the room hibernates", sleeps));
  }
  if (room.state !== undefined && room.due !== undefined) {
    steps.push(...one(world, "losses", "the room loses its memory", losesMemory));
  }
  if (left.crashes > 0) steps.push(...crashesOf(world));
  for (const [index, client] of world.clients.entries())
    steps.push(...clientSteps(world, index, client));
  return steps;
}

function breaks(
  world: State,
  { label, client: index, handshake, isHeld, isBroken, isListed, up, down }: ModelConnection,
): Steps {
  const client = world.clients[index];
  if (!isHeld || isBroken || client === undefined) return [];
  const lets = (next: State): State => changeClient(next, index, letsGo(client, 1006));
  if (handshake !== undefined) {
    const late = { isHeld: false, isBroken: true, up: [{ gone: 1006 }] };
    const without = (next: State): State => ({
      ...next,
      links: next.links.filter((link) => link.label !== label),
    });
    return [
      ...one(world, "breaks", `the handshake of ${label} is lost`, (next) => lets(without(next))),
      ...one(world, "breaks", `${label} is given up, its handshake is late`, (next) =>
        lets(changeLink(next, label, late)),
      ),
    ];
  }
  const steps: Steps = [];
  for (let rise = 0; rise <= up.length; rise++) {
    for (let fall = 0; fall <= down.length; fall++) {
      const words = `${label} breaks; ${rise} of ${up.length} frames up and ${fall} of ${down.length} down still arrive`;
      const broken = {
        isBroken: true,
        up: isListed ? [...up.slice(0, rise), { gone: 1006 }] : [],
        down: [...down.slice(0, fall), { close: 1006 }],
      };
      steps.push(...one(world, "breaks", words, (next) => changeLink(next, label, broken)));
    }
  }
  return steps;
}

/** The runtime knows of the end of a link before the room does. */
function dies(world: State, { label, isDying, isListed, isOver, up }: ModelConnection): Steps {
  const [first] = up;
  if (isDying || !isListed || isOver || first === undefined || !("gone" in first)) return [];
  const words = `the runtime knows that ${label} is dead`;
  return one(world, "dyings", words, (next) => changeLink(next, label, { isDying: true }));
}

/** With every choice of what was on its way down and still arrives. */
function crashesOf(world: State): Steps {
  const held = world.links.filter(
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
  return choices.flatMap((heard) => {
    const rest = [...heard].map(([label, count]) => `; ${label} still hears ${count}`).join("");
    return one(world, "crashes", `the room crashes${rest}`, (next) => crashes(next, heard));
  });
}

function clientSteps(world: State, index: number, client: Client): Steps {
  const { name, link, socket } = client;
  if (link.type === "closed") {
    // Who was told to stay away by the operator may try again.
    if (link.code !== 4004 && link.code !== 4005) return [];
    return one(world, "returns", `${name} starts anew`, (next) =>
      connects(next, index, { ...client, link: OFFLINE }),
    );
  }
  if (link.type === "offline") {
    // A handshake of an earlier life has another session, so nothing marks it as overtaken: that is not promised.
    const isUnderWay = world.links.some((other) => other.client === index && other.handshake);
    if (client.dialect === "chat.line" || isUnderWay) return [];
    return one(world, "amnesias", `${name} loses their record`, (next) =>
      changeClient(next, index, forgets(client)),
    );
  }
  const leaving = world.links.find(({ label }) => label === socket);
  if (link.type !== "live" || leaving === undefined) return [];
  return one(world, "goodbyes", `${name} says goodbye`, (next) => {
    const up = leaving.isBroken ? leaving.up : [...leaving.up, { gone: 1000 }];
    const gone = { isHeld: false, isBroken: true, down: [], up };
    const away = { ...letsGo(client, 1006), isAway: true };
    return changeClient(changeLink(next, leaving.label, gone), index, away);
  });
}

/** Another life under the same name: what the earlier one said is nobody's to ask about any more. */
function forgets(client: Client): Client {
  const { attempt, session } = client.record;
  const record: ClientRecord = { version: 1, session: `${session}'`, attempt, outbox: [] };
  return { ...client, record, acked: 0, handed: new Set(), hidden: new Set() };
}
