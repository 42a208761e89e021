/**
 * All steps that are possible in a state, with descriptions.
 *
 * Only the platform's guarantees are assumed. Frames on one socket arrive in order, or a prefix of them arrives and
 * then the connection is known to be broken. A later handshake may overtake an earlier one. A turn takes everything
 * that has arrived. Frames leave after the commit. (After a close by the room, earlier frames may still arrive, in both
 * directions.)
 *
 * Three reductions, each exact:
 * - While events wait in the inbox, only the room acts: more events arrive, or the turn runs. A step of a client or the
 *   network in between neither depends on the inbox nor affects it, so it is equivalent to the same step before.
 * - When a connection breaks, the step chooses how many frames in transit survive, because a later choice would make no
 *   difference.
 * - Once no fault can affect a client, and it has nothing left to send, it takes the next frame, or reconnects, before
 *   anything else happens: no other step depends on that or changes it, and the client uses up what it takes. (A
 *   persistent set of one step. `unreduced` turns this off, and a test compares the ends.)
 */
import { connects, hears, says } from "./client.ts";
import * as faults from "./faults.ts";
import type { Step } from "./explorer.ts";
import { handshakeArrives, frameArrives, takesTurn, timePasses } from "./room.ts";
import { downText, upText } from "./canonical-text.ts";
import { seqOf } from "./view.ts";
import { type Client, type ModelConnection, connectionOf, spend, type State } from "./state.ts";

type Steps = Step<State>[];

const quiet = (describe: () => string, take: () => State): Step<State> => ({
  describe,
  isQuiet: true,
  take,
});

export function stepsOf(state: State): Steps {
  const { room } = state;
  const steps = [...arrivals(state), ...faults.adminSteps(state)];
  if (room.inbox.length > 0) {
    steps.push(
      quiet(
        () => "the room runs a turn",
        () => takesTurn(state),
      ),
    );
    return [...steps, ...faults.commitFaults(state)];
  }
  for (const [index, client] of state.clients.entries()) {
    const own = clientSteps(state, index, client);
    const [only] = own;
    if (only?.isQuiet === true && own.length === 1 && isUndisturbed(state)) return own;
    steps.push(...own);
  }
  const isQuiet = !steps.some((step) => step.isQuiet);
  if (room.due !== undefined && (isQuiet || state.faultsLeft.delays > 0)) {
    const before = isQuiet ? state : spend(state, "delays");
    const ms = room.due - room.now;
    steps.push({ describe: () => `${ms} ms pass`, isQuiet, take: () => timePasses(before) });
  }
  return [...steps, ...faults.anyTimeFaults(state)];
}

/** No remaining fault can affect a client or the frames in transit to it. */
const isUndisturbed = ({ scope, faultsLeft }: State): boolean =>
  scope.unreduced !== true &&
  faultsLeft.breaks +
    faultsLeft.crashes +
    faultsLeft.goodbyes +
    faultsLeft.lostRecords +
    faultsLeft.delays ===
    0 &&
  faultsLeft.entryErasures + faultsLeft.expulsions + faultsLeft.erasures === 0;

/** Everything in transit that may reach the room next. */
function arrivals(state: State): Steps {
  const steps: Steps = [];
  for (const connection of state.connections) {
    const { label, handshake, up } = connection;
    const [first] = up;
    if (handshake !== undefined) {
      steps.push(
        quiet(
          () => `the handshake of ${label} arrives`,
          () => handshakeArrives(state, connection),
        ),
      );
    } else if (first !== undefined) {
      steps.push(
        quiet(
          () => `the room receives ${upText(first)} from ${label}`,
          () => frameArrives(state, connection),
        ),
      );
      if ("gone" in first && state.faultsLeft.duplicateSignals > 0) {
        const describe = (): string =>
          `the room receives ${upText(first)} from ${label}, and will get it again`;
        const take = (): State => frameArrives(spend(state, "duplicateSignals"), connection, true);
        steps.push({ describe, isQuiet: false, take });
      }
    }
  }
  return steps;
}

function clientSteps(state: State, index: number, client: Client): Steps {
  const { name, socket, isAway, connectionState } = client;
  if (connectionState.type === "closed") return [];
  const steps = saySteps(state, index, client);
  const connection: ModelConnection | undefined = connectionOf(state, socket);
  const [first] = connection?.down ?? [];
  if (connectionState.type === "offline") {
    const connect = (): State => connects(state, index, client);
    if (!isAway) steps.push(quiet(() => `${name} connects`, connect));
    else if (state.faultsLeft.returns > 0) {
      const take = (): State => connects(spend(state, "returns"), index, client);
      steps.push({ describe: () => `${name} returns`, isQuiet: false, take });
    }
  } else if (connection !== undefined && first !== undefined) {
    const describe = (): string => `${connection.label} receives ${downText(first)}`;
    steps.push(quiet(describe, () => hears(state, index, client, connection)));
  }
  return steps;
}

function saySteps(state: State, index: number, client: Client): Steps {
  const { name, script, saidCount, dialect, connectionState } = client;
  const line = script[saidCount];
  // A person with `chat.line` sees that the connection is down, and does not send.
  if (line === undefined || (dialect === "chat.line" && connectionState.type !== "live")) return [];
  const { label, to, target, change } = line;
  if (target !== undefined && seqOf(client, target) === undefined) return [];
  const describe = (): string => {
    if (change !== undefined)
      return `${name} ${change.erase ? "erases" : "changes"} ${target} with ${label}`;
    const what = target === undefined ? label : `${label}, which refers to ${target},`;
    return `${name} says ${what} to ${to?.join(", ") ?? "everyone"}`;
  };
  return [{ describe, isQuiet: false, take: () => says(state, index, client) }];
}
