/**
 * A state of the model, as immutable plain data: one room, its disk, its connections, and the clients. The code that
 * runs on it is the room's and the client's own; see room.ts and client.ts.
 */
import type { EntryFields } from "../../src/core/entry.ts";
import type { Command, Dialect, Join, ServerMessage, Session } from "../../src/core/event.ts";
import type { Limits } from "../../src/core/limits.ts";
import type { ConnectionId, ConnectionRef as Identity, PeerName } from "../../src/protocol/ids.ts";
import type { AdminRequest } from "../../src/protocol/admin.ts";
import type { ConnectionSnapshot } from "../../src/core/ports.ts";
import type { BrokerState } from "../../src/core/state.ts";
import type { ConnectionState as ClientLink } from "../../src/client/connection-state.ts";
import type { ClientRecord, QueuedPatch } from "../../src/client/storage/storage.ts";
import type { Entry, Patch } from "../../src/client/events.ts";
import type { Gap } from "../../src/model/index.ts";
import type { Disk, Pending } from "../support/storage/memory-storage.ts";

/** A message that a person sends: to everyone, or to these names. */
export type Said = readonly string[] | "everyone";

/** What refers to an earlier message of the script, by its place there: 1 is the first item. */
export type Referring =
  | { readonly edits: number }
  | { readonly editsDataOf: number }
  | { readonly erases: number }
  /** A message to everyone. */
  | { readonly answers: number };

/** What a client may send; `label` is its `id`, and the text of what has one. */
export interface ScriptedItem {
  readonly label: string;
  /** Absent: to everyone. */
  readonly to?: readonly string[];
  /** The label of the message that it refers to. */
  readonly target?: string;
  /** It changes that message. */
  readonly change?: Pick<QueuedPatch, "text" | "data" | "erase">;
}

export interface Person {
  readonly name: string;
  readonly dialect?: Dialect;
  /** Unknown to the room, and offline, whatever the scope's start. */
  readonly isUnknown?: true;
  /** In this order. What refers to a message waits until its person knows that. */
  readonly says?: readonly (Said | Referring)[];
}

/** How often each fault may occur; 0 if a scope does not name it. */
export interface FaultBudget {
  /** A connection breaks or is given up; frames in transit arrive up to any point. */
  readonly breaks: number;
  /** The room loses its memory and its sockets. */
  readonly crashes: number;
  /** The room hibernates with nothing in flight. */
  readonly sleeps: number;
  /** The room loses its memory with something in flight or due; the sockets stay. */
  readonly memoryLosses: number;
  /** A commit fails. */
  readonly failedCommits: number;
  /** The failure signal of a dead connection reaches the room, and will be repeated. */
  readonly duplicateSignals: number;
  /** Time passes although something is in transit. */
  readonly delays: number;
  /** The runtime knows that a connection is dead before the room does. */
  readonly dyingSockets: number;
  /** A client says goodbye. */
  readonly goodbyes: number;
  /** A client that is away returns. */
  readonly returns: number;
  /** A client loses its record. */
  readonly lostRecords: number;
  /** The operator erases the contents of an entry. */
  readonly entryErasures: number;
  /** The operator expels a name. */
  readonly expulsions: number;
  /** The operator erases the room. */
  readonly erasures: number;
}

export interface Scope {
  readonly name: string;
  /** The rule or fault that the scope tests. */
  readonly why: string;
  readonly people: readonly Person[];
  readonly limits?: Partial<Limits>;
  /** Bytes from one mark to the next; an item of a frame counts 100. Absent: no stretch ever fills up. */
  readonly stretch?: number;
  /** `unknown`: the room is new. `known`: it knows the names. `connected`: the clients are connected and ready. */
  readonly start: "unknown" | "known" | "connected";
  readonly faults: Partial<FaultBudget>;
  /** Checks the presence updates of each client. */
  readonly watchesPresence?: true;
  /** Without the third reduction of steps.ts. */
  readonly unreduced?: true;
}

/** An item in transit to the room, in order. */
export type Up = { readonly commands: readonly Command[] } | { readonly gone: number };
/** An item in transit to the client, in order. */
export type Down = { readonly outs: readonly ServerMessage[] } | { readonly close: number };

/** One connection, from the handshake until both ends have closed it. */
export interface ModelConnection {
  /** The client's name and its attempt. */
  readonly label: string;
  readonly client: number;
  /** In transit to the room. */
  readonly handshake: Omit<Join, "room"> | undefined;
  readonly id: Identity | undefined;
  /** The socket's attachment; undefined before the room accepted it. */
  readonly snapshot: ConnectionSnapshot | undefined;
  /** The room has ended it. */
  readonly isOver: boolean;
  /** The room's end of the socket exists: it was accepted, and its end has not been handled. */
  readonly isListed: boolean;
  /** The client still listens. */
  readonly isHeld: boolean;
  /** Everything sent from now on is lost. */
  readonly isBroken: boolean;
  readonly isDying: boolean;
  /** The room has sent `ready`. */
  readonly isReady: boolean;
  /** Number of marks that the room has sent. */
  readonly markCount: number;
  readonly up: readonly Up[];
  readonly down: readonly Down[];
  /** The names online, according to the messages sent to it. */
  readonly roster: readonly PeerName[];
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
  | { readonly type: "admin"; readonly request: AdminRequest }
  | { readonly type: "tick" };

export interface Room {
  readonly now: number;
  readonly epoch: number;
  /** The committed data. */
  readonly disk: Disk;
  readonly pending: Pending;
  /** The broker's whole state; undefined while the room hibernates. */
  readonly brokerState: BrokerState | undefined;
  readonly due: number | undefined;
  /** The newest connection that this instance knows. */
  readonly newest: ConnectionId | undefined;
  readonly inbox: readonly ModelInboxItem[];
  /** Number of connections so far. */
  readonly joins: number;
}

/** A frame that an application folds. */
export type Received =
  | (Entry & { readonly type: "message" })
  | (Patch & { readonly type: "patch" })
  | (Gap & { readonly type: "gap" });

/** What the application of a client has received from one room; view.ts folds it. */
export interface View {
  readonly epoch: string | undefined;
  readonly received: readonly Received[];
}

/** The outcome of a message, as its client reported it. */
export type Fate = "confirmed" | "refused" | "unknown";

export interface Client {
  readonly person: Person;
  readonly name: PeerName;
  readonly dialect: Dialect;
  readonly script: readonly ScriptedItem[];
  readonly record: ClientRecord;
  readonly connectionState: ClientLink;
  /** The label of its current connection. */
  readonly socket: string | undefined;
  readonly acked: number;
  /** The newest mark that it has received on this connection. */
  readonly mark: { readonly k: string; readonly isShown: boolean } | undefined;
  readonly handed: ReadonlySet<string>;
  readonly saidCount: number;
  /** It said goodbye, or the room was full: it returns at any time. */
  readonly isAway: boolean;
  /** Its user has seen every entry up to here, or a gap in its place. */
  readonly position: number;
  /** `chat.line`, after a restart of the room: entries may be repeated. */
  readonly mayHearAgain: boolean;
  readonly fates: ReadonlyMap<string, Fate>;
  /** Messages that were sent and undecided when a gap came. */
  readonly hidden: ReadonlySet<string>;
  /** What its application shows; empty for `chat.line`. */
  readonly view: View;
  /** The room's epoch in which its person referred to a message. */
  readonly referredIn: ReadonlyMap<string, string>;
}

export interface State {
  readonly scope: Scope;
  readonly limits: Limits;
  readonly room: Room;
  readonly connections: readonly ModelConnection[];
  readonly clients: readonly Client[];
  /** All entries ever stored in the current room, as they are now according to oracle.ts. */
  readonly ledger: Ledger;
  /** The same for erased rooms, by epoch: their frames in transit still arrive. */
  readonly erased: ReadonlyMap<string, Ledger>;
  /** The messages that the room has rejected. */
  readonly rejected: ReadonlySet<string>;
  readonly faultsLeft: FaultBudget;
  /** The room has lost presence updates that it cannot repeat. */
  readonly hasLostPresence: boolean;
}

/** The entry at `seq` is at the place `seq - 1`. */
export type Ledger = readonly EntryFields[];

export const epochOf = ({ epoch }: Room): string => `memory.${epoch}`;

/** Returns all entries ever stored in an epoch. */
export const ledgerOf = ({ room, ledger, erased }: State, epoch: string): Ledger =>
  epoch === epochOf(room) ? ledger : (erased.get(epoch) ?? []);

/** Returns the sender's label of an entry, whatever has become of its text; the operator's patches have none. */
export const labelOf = ({ id, text, ref }: Labelled): string => id ?? text ?? `erasure of ${ref}`;

interface Labelled {
  readonly id?: string | undefined;
  readonly text?: string | undefined;
  readonly ref?: number | undefined;
}

export function changeConnection(
  state: State,
  label: string,
  change: Partial<ModelConnection>,
): State {
  const connections = state.connections.flatMap((connection) => {
    if (connection.label !== label) return [connection];
    const changed = { ...connection, ...change };
    // Both ends have closed it.
    const isGone = !changed.isHeld && !changed.isListed && changed.id !== undefined;
    return isGone && !isInInbox(state.room, changed) && changed.up.length === 0 ? [] : [changed];
  });
  return { ...state, connections };
}

export const isInInbox = ({ inbox }: Room, { id }: ModelConnection): boolean =>
  inbox.some((item) => "link" in item && item.link.id === id?.id);

export function changeClient(state: State, index: number, change: Partial<Client>): State {
  const clients = state.clients.map((client, at) =>
    at === index ? { ...client, ...change } : client,
  );
  return { ...state, clients };
}

export const connectionOf = (
  state: State,
  label: string | undefined,
): ModelConnection | undefined =>
  label === undefined
    ? undefined
    : state.connections.find((connection) => connection.label === label);

export const spend = (state: State, what: keyof FaultBudget): State => ({
  ...state,
  faultsLeft: { ...state.faultsLeft, [what]: state.faultsLeft[what] - 1 },
});
