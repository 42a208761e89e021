/**
 * A patch: it changes an earlier message of its author, or erases that, wherever there is a copy of it.
 *
 * Invariants:
 * - It is an entry, with its own place in the room's order, and folded into its target in the same commit.
 * - R8: it says nothing of entries that its sender may not read: `unknown-ref` is the same as for one that is not kept.
 * - R8: reading and writing an old row costs time, so a patch of a long row costs more items of the allowance.
 */
import type { ErrorCode } from "../../protocol/error-codes.ts";
import { PATCHES_MAX } from "../../protocol/limits.ts";
import type { Seq } from "../../protocol/ids.ts";
import type { RoomContext } from "../context.ts";
import type { Entry, Message, Patch } from "../entry.ts";
import type { Command, Refusal } from "../event.ts";
import { HOUR, KIB } from "../limits.ts";
import { audienceOfPatch, type Change, combine, fold, supersede } from "../patch.ts";
import { mayRead, type Peer } from "../peers/peers.ts";
import type { Found } from "../ports.ts";
import { charge } from "./charge.ts";
import type { CommandContext } from "./command-context.ts";
import { refuse } from "./refuse.ts";
import { chargeQuota } from "./send.ts";

/** Bytes of old rows that a patch may read and write for each further item of the allowance. */
export const PATCH_ROW_BYTES = 64 * KIB;

export function patch(
  context: CommandContext,
  peer: Peer,
  { id, ref, text, data, erase }: Extract<Command, { type: "Patch" }>,
  now: number,
): void {
  const { limits } = context;
  const target = tryFind(context, ref);
  const previous = previousOf(context, target?.entry);
  const rowBytes = (target?.rowBytes ?? 0) + (previous?.rowBytes ?? 0);
  // The longest row must not cost more than an allowance ever has.
  const extra = Math.min(Math.floor(rowBytes / PATCH_ROW_BYTES), limits.burst - 1);
  if (extra > 0 && !charge(context, peer, extra, now)) return;
  const change = { text, data, erase };
  const message = messageToPatch(context, peer, { ref, change, entry: target?.entry }, now);
  if ("refusal" in message) return refuse(context, peer, { ...message.refusal, id });
  const made = makePatch(context, message, previous?.entry, { ...change, id }, now);
  if (chargeQuota(context, peer, made.bytes, now)) addPatch(context, made);
}

/** A row that cannot be read holds nothing that could be changed. */
export function tryFind(
  { entries, audit }: Pick<RoomContext, "entries" | "audit">,
  seq: Seq,
): Found | undefined {
  try {
    return entries.find(seq);
  } catch (error) {
    audit.add({ event: "storage-trouble", error: String(error) });
    return undefined;
  }
}

/** Returns the patch that gave `entry` its contents. */
export const previousOf = (
  context: Pick<RoomContext, "entries" | "audit">,
  entry: Entry | undefined,
): Found | undefined =>
  entry?.patched === undefined ? undefined : tryFind(context, entry.patched);

/** The entries that a patch makes, and the bytes by which the log grows. */
export interface MadePatch {
  readonly patch: Patch;
  readonly changed: readonly Entry[];
  readonly bytes: number;
}

/**
 * Makes the next entry: a patch of `target`.
 * @param previous the patch that gave the target its contents, if one did
 */
export function makePatch(
  { entries, peers, storage }: Pick<RoomContext, "entries" | "peers" | "storage">,
  target: Message,
  previous: Entry | undefined,
  { id, by, ...change }: Change & { readonly id?: string; readonly by?: "operator" },
  now: number,
): MadePatch {
  const { seq: ref, from, quiet } = target;
  const isSuperseded = previous?.type === "patch" && previous.patched === undefined;
  const whole = isSuperseded ? combine(previous, change) : change;
  const to = audienceOfPatch(
    target,
    by,
    (name) => (peers.get(name) ?? storage.directory.find(name))?.birth,
  );
  const patch = entries.encodePatch({ ref, from, to, id, quiet, by, ...whole }, now);
  const folded = fold(target, patch);
  const changed = isSuperseded ? [folded, supersede(previous, patch.seq)] : [folded];
  return { patch, changed, bytes: patch.bytes + Math.max(0, folded.bytes - target.bytes) };
}

export function addPatch({ entries }: Pick<RoomContext, "entries">, made: MadePatch): void {
  entries.add(made.patch);
  for (const entry of made.changed) entries.change(entry);
}

function tooOld(patchHours: number): string {
  if (patchHours === 0) {
    return "stays as it is: messages of this room can be erased, but not changed";
  }
  const hours = patchHours === 1 ? "an hour" : `${patchHours} hours`;
  return `is older than ${hours}: it can be erased, but not changed`;
}

/** @returns the message that `peer` may change in this way, or the refusal */
function messageToPatch(
  { limits }: CommandContext,
  peer: Peer,
  request: { readonly ref: Seq; readonly change: Change; readonly entry: Entry | undefined },
  now: number,
): Message | { readonly refusal: Refusal } {
  const { ref, change, entry } = request;
  const deny = (why: string, code: ErrorCode = "forbidden"): { readonly refusal: Refusal } => ({
    refusal: { code, message: `ref: ${ref} ${why}` },
  });
  if (entry === undefined || !mayRead(peer, entry)) {
    return deny("is no entry that you can read, or it is no longer kept", "unknown-ref");
  }
  if (entry.type === "patch") return deny(`is itself a patch: change the entry ${entry.ref}`);
  if (entry.from !== peer.link.name) return deny("is from somebody else: change only your own");
  if (entry.seq <= peer.birth) return deny("was sent by an earlier owner of your name");
  if (entry.erased) return deny("is erased, and stays so");
  if (change.erase) return entry;
  if (now - entry.at >= limits.patchHours * HOUR) return deny(tooOld(limits.patchHours));
  if ((entry.patches ?? 0) >= PATCHES_MAX) {
    return deny(`was changed ${PATCHES_MAX} times: it can be erased, but not changed again`);
  }
  return entry;
}
