/**
 * All that can happen next in a world, in words.
 *
 * What the platform promises, and no more, is taken for granted: what goes up or down one socket arrives in order, or
 * a beginning of it does and then the link is known to be broken; a handshake may be overtaken by a later one; a turn
 * takes all that has come; frames leave when the commit is done. (After a close by the room, frames that were sent
 * before may still come, both ways.)
 *
 * Three reductions, each exact:
 * - While events wait in the inbox, only the room acts: more may come, and the turn is taken. What a client or the
 *   network does meanwhile neither sees the inbox nor is seen by it, so it is the same done before.
 * - How much of what is on the way survives a break is chosen when the link breaks; nobody could tell a later choice.
 * - Once nothing can disturb it any more, and it has nothing left to say, a client takes what has come, or sets out
 *   again, before anything else happens: nobody else's step sees or changes that, and it uses up what it takes. (A
 *   persistent set of one step. `unreduced` leaves this out, and a test compares the ends.)
 */
import { connects, hears, says } from "./client.ts";
import * as people from "./faults.ts";
import type { Step } from "./explorer.ts";
import { arrives, delivers, takesTurn, timePasses } from "./room.ts";
import { downText, upText } from "./canonical-text.ts";
import { type Client, type ModelConnection, linkOf, spend, type State } from "./state.ts";

type Steps = Step<State>[];

const quiet = (words: () => string, take: () => State): Step<State> => ({
  words,
  isQuiet: true,
  take,
});

export function stepsOf(world: State): Steps {
  const { room } = world;
  const steps = [...arrivals(world), ...people.orders(world)];
  if (room.inbox.length > 0) {
    steps.push(
      quiet(
        () => "the room takes its turn",
        () => takesTurn(world),
      ),
    );
    return [...steps, ...people.whileEventsWait(world)];
  }
  for (const [index, client] of world.clients.entries()) {
    const own = clientSteps(world, index, client);
    const [only] = own;
    if (only?.isQuiet === true && own.length === 1 && isUndisturbed(world)) return own;
    steps.push(...own);
  }
  const isQuiet = !steps.some((step) => step.isQuiet);
  if (room.due !== undefined && (isQuiet || world.left.delays > 0)) {
    const before = isQuiet ? world : spend(world, "delays");
    const ms = room.due - room.now;
    steps.push({ words: () => `${ms} ms pass`, isQuiet, take: () => timePasses(before) });
  }
  return [...steps, ...people.anyTime(world)];
}

/** Nothing that is left can touch a client, or what is on its way to it. */
const isUndisturbed = ({ scope, left }: State): boolean =>
  scope.unreduced !== true &&
  left.breaks + left.crashes + left.goodbyes + left.amnesias + left.delays === 0 &&
  left.redactions + left.expulsions + left.erasures === 0;

/** What reaches the room. */
function arrivals(world: State): Steps {
  const steps: Steps = [];
  for (const link of world.links) {
    const { label, handshake, up } = link;
    const [first] = up;
    if (handshake !== undefined) {
      steps.push(
        quiet(
          () => `the handshake of ${label} arrives`,
          () => arrives(world, link),
        ),
      );
    } else if (first !== undefined) {
      steps.push(
        quiet(
          () => `the room gets ${upText(first)} from ${label}`,
          () => delivers(world, link),
        ),
      );
      if ("gone" in first && world.left.echoes > 0) {
        const words = (): string =>
          `the room gets ${upText(first)} from ${label}, and will get it again`;
        const take = (): State => delivers(spend(world, "echoes"), link, true);
        steps.push({ words, isQuiet: false, take });
      }
    }
  }
  return steps;
}

function clientSteps(world: State, index: number, client: Client): Steps {
  const { name, socket, isAway, link: state } = client;
  if (state.type === "closed") return [];
  const steps = saying(world, index, client);
  const link: ModelConnection | undefined = linkOf(world, socket);
  const [first] = link?.down ?? [];
  if (state.type === "offline") {
    const connect = (): State => connects(world, index, client);
    if (!isAway) steps.push(quiet(() => `${name} connects`, connect));
    else if (world.left.returns > 0) {
      const take = (): State => connects(spend(world, "returns"), index, client);
      steps.push({ words: () => `${name} returns`, isQuiet: false, take });
    }
  } else if (link !== undefined && first !== undefined) {
    const words = (): string => `${link.label} hears ${downText(first)}`;
    steps.push(quiet(words, () => hears(world, index, client, link)));
  }
  return steps;
}

function saying(world: State, index: number, client: Client): Steps {
  const { name, script, said, dialect, link } = client;
  const line = script[said];
  // Who speaks `chat.line` sees that there is no link.
  if (line === undefined || (dialect === "chat.line" && link.type !== "live")) return [];
  const words = (): string => `${name} says ${line.label} to ${line.to?.join(", ") ?? "everyone"}`;
  return [{ words, isQuiet: false, take: () => says(world, index, client) }];
}
