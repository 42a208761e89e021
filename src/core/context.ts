/**
 * The context that the parts of the broker share: the ports, the peers, and the parts that serve them. One object for one
 * broker.
 *
 * Invariant: the context holds no state of its own. State that outlives a turn is in `BrokerState`.
 */
import type { AuditBuffer } from "./audit-log.ts";
import type { Pump } from "./delivery/pump.ts";
import type { TurnOutput } from "./delivery/turn-output.ts";
import type { Limits } from "./limits.ts";
import type { NewEntries } from "./new-entries.ts";
import type { Peers } from "./peers/peers.ts";
import type { Presence } from "./peers/presence.ts";
import type { Storage } from "./ports.ts";

export interface RoomContext {
  readonly storage: Storage;
  readonly limits: Limits;
  /** Another epoch means that every cursor is void. */
  readonly epoch: string;
  readonly peers: Peers;
  readonly presence: Presence;
  /** The entries of this turn. */
  readonly entries: NewEntries;
  readonly pump: Pump;
  readonly output: TurnOutput;
  readonly audit: AuditBuffer;
}
