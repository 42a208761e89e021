/**
 * A small world, as plain data that is replaced and never changed: one room, its disk, the links to it, the clients
 * behind them. The code that runs in it is the room's and the client's own; see room.ts and client.ts.
 */
import type { Entry } from "../../src/core/entry.ts";
import type { Command, Dialect, Join, ServerMessage, Session } from "../../src/core/event.ts";
import type { Limits } from "../../src/core/limits.ts";
import type { ConnectionId, ConnectionRef as Identity, PeerName } from "../../src/protocol/ids.ts";
import type { AdminRequest } from "../../src/protocol/admin.ts";
import type { ConnectionSnapshot } from "../../src/core/ports.ts";
import type { BrokerState } from "../../src/core/state.ts";
import type { ConnectionState as ClientLink } from "../../src/client/connection-state.ts";
import type { ClientRecord } from "../../src/client/storage/storage.ts";
import type { Disk, Pending } from "../support/storage/memory-storage.ts";

/** A message that a client may say: its text, and its `id`, is `label`. */
export interface Line {
  readonly label: string;
  /** Absent: to everyone. */
  readonly to?: readonly string[];
}

export interface Person {
  readonly name: string;
  readonly dialect?: Dialect;
  /** Unknown to the room, and away, however the scope starts. */
  readonly isStranger?: true;
  /** In this order. */
  readonly says?: readonly (readonly string[] | "everyone")[];
}

/** How often each disturbance may happen. What is not named does not happen. */
export interface FaultBudget {
  /** A link breaks, or is given up; what is on the way arrives up to any point. */
  readonly breaks: number;
  /** The room loses its memory and its sockets. */
  readonly crashes: number;
  /** The room hibernates with nothing in flight. */
  readonly sleeps: number;
  /** The room loses its memory with something in flight, or due; the sockets stay. */
  readonly losses: number;
  /** A commit fails. */
  readonly failures: number;
  /** The room hears of a dead link, and will hear of it again. */
  readonly echoes: number;
  /** Time passes although something is on the way. */
  readonly delays: number;
  /** The runtime knows that a link is dead before the room is told. */
  readonly dyings: number;
  /** Somebody says goodbye. */
  readonly goodbyes: number;
  /** Somebody who is away comes back. */
  readonly returns: number;
  /** A client loses its record. */
  readonly amnesias: number;
  /** The operator erases the text of an entry. */
  readonly redactions: number;
  /** The operator expels a name. */
  readonly expulsions: number;
  /** The operator erases the room. */
  readonly erasures: number;
}

export interface Scope {
  readonly name: string;
  /** What it is there for. */
  readonly why: string;
  readonly people: readonly Person[];
  readonly limits?: Partial<Limits>;
  /** Bytes from one mark to the next; a frame has 100 an item. Absent: no stretch is ever full. */
  readonly stretch?: number;
  /** `strangers`: nobody has ever been here. `known`: their names are. `connected`: they are here, and ready. */
  readonly start: "strangers" | "known" | "connected";
  readonly disturbances: Partial<FaultBudget>;
  /** Follows what everyone is told of who is online. */
  readonly watchesPresence?: true;
  /** Without the reduction that steps.ts leaves out on demand. */
  readonly unreduced?: true;
}

/** What travels up a link, in order. */
export type Up = { readonly commands: readonly Command[] } | { readonly gone: number };
/** What travels down a link, in order. */
export type Down = { readonly outs: readonly ServerMessage[] } | { readonly close: number };

/** One connection, from the handshake until both ends have let go of it. */
export interface ModelConnection {
  /** The client's name and its attempt. */
  readonly label: string;
  readonly client: number;
  /** On its way to the room. */
  readonly handshake: Omit<Join, "room"> | undefined;
  readonly id: Identity | undefined;
  /** What the socket remembers; undefined before it was accepted. */
  readonly memo: ConnectionSnapshot | undefined;
  /** The room ended it. */
  readonly isOver: boolean;
  /** The room's end of the socket exists: it was accepted, and its end was not dealt with yet. */
  readonly isListed: boolean;
  /** The client still listens. */
  readonly isHeld: boolean;
  /** Whatever is put on it now gets lost. */
  readonly isBroken: boolean;
  readonly isDying: boolean;
  /** It was told that it is ready. */
  readonly isReady: boolean;
  /** How many marks it was sent. */
  readonly marks: number;
  readonly up: readonly Up[];
  readonly down: readonly Down[];
  /** Who is online, as it was told. */
  readonly view: readonly PeerName[];
}

export type ModelInboxItem =
  | {
      readonly type: "join";
      readonly link: Identity;
      readonly join: Join;
      readonly session?: Session;
    }
  | { readonly type: "frame"; readonly link: Identity; readonly commands: readonly Command[] }
  | { readonly type: "gone"; readonly link: Identity; readonly code: number }
  | { readonly type: "order"; readonly order: AdminRequest }
  | { readonly type: "tick" };

export interface Room {
  readonly now: number;
  readonly epoch: number;
  /** What was committed. */
  readonly disk: Disk;
  readonly pending: Pending;
  /** The broker's whole state; undefined while the room sleeps. */
  readonly state: BrokerState | undefined;
  readonly due: number | undefined;
  /** The newest connection that this instance knows. */
  readonly newest: ConnectionId | undefined;
  readonly inbox: readonly ModelInboxItem[];
  /** How many connections there ever were. */
  readonly joins: number;
}

/** How a message ended, by its client's word. */
export type Fate = "confirmed" | "refused" | "unknown";

export interface Client {
  readonly person: Person;
  readonly name: PeerName;
  readonly dialect: Dialect;
  readonly script: readonly Line[];
  readonly record: ClientRecord;
  readonly link: ClientLink;
  /** The label of the connection that it listens to. */
  readonly socket: string | undefined;
  readonly acked: number;
  /** The newest mark that it has read on this link. */
  readonly mark: { readonly k: string; readonly isShown: boolean } | undefined;
  readonly handed: ReadonlySet<string>;
  readonly said: number;
  /** Said goodbye, or found no place: it comes back when it likes. */
  readonly isAway: boolean;
  /** Everything up to here was shown to its user, or told as a gap. */
  readonly position: number;
  /** `chat.line`, after a restart of the room: what it was handed before may come again. */
  readonly mayHearAgain: boolean;
  readonly fates: ReadonlyMap<string, Fate>;
  /** Messages that were sent and undecided when a gap came. */
  readonly hidden: ReadonlySet<string>;
}

export interface State {
  readonly scope: Scope;
  readonly limits: Limits;
  readonly room: Room;
  readonly links: readonly ModelConnection[];
  readonly clients: readonly Client[];
  /** Everything that was ever stored in the room as it is now, with the text that it was stored with. */
  readonly ledger: readonly Entry[];
  /** The same of the rooms that were erased, by their epochs: what was on its way out of them still arrives. */
  readonly erased: ReadonlyMap<string, readonly Entry[]>;
  /** What the room turned down. */
  readonly refused: ReadonlySet<string>;
  readonly left: FaultBudget;
  /** The room lost news of presence that nobody can make good. */
  readonly hasLostNews: boolean;
}

export const epochOf = ({ epoch }: Room): string => `memory.${epoch}`;

/** Everything that was ever stored in an epoch. */
export const ledgerOf = ({ room, ledger, erased }: State, epoch: string): readonly Entry[] =>
  epoch === epochOf(room) ? ledger : (erased.get(epoch) ?? []);

/** What its sender calls an entry, whether it still has its text or not. */
export const labelOf = ({ id, text }: { readonly id?: string | undefined; text: string }): string =>
  id ?? text;

export function changeLink(world: State, label: string, change: Partial<ModelConnection>): State {
  const links = world.links.flatMap((link) => {
    if (link.label !== label) return [link];
    const changed = { ...link, ...change };
    // Both ends have let go of it.
    const isGone = !changed.isHeld && !changed.isListed && changed.id !== undefined;
    return isGone && !isInInbox(world.room, changed) && changed.up.length === 0 ? [] : [changed];
  });
  return { ...world, links };
}

export const isInInbox = ({ inbox }: Room, { id }: ModelConnection): boolean =>
  inbox.some((item) => "link" in item && item.link.id === id?.id);

export function changeClient(world: State, index: number, change: Partial<Client>): State {
  const clients = world.clients.map((client, at) =>
    at === index ? { ...client, ...change } : client,
  );
  return { ...world, clients };
}

export const linkOf = (world: State, label: string | undefined): ModelConnection | undefined =>
  label === undefined ? undefined : world.links.find((link) => link.label === label);

export const spend = (world: State, what: keyof FaultBudget): State => ({
  ...world,
  left: { ...world.left, [what]: world.left[what] - 1 },
});
