/** An ack: cumulative, and counted only up to the oldest mark that the peer has not shown (delivery/proof.ts). */
import type { Command } from "../event.ts";
import type { Peer } from "../peers/peers.ts";
import { charge } from "./charge.ts";
import type { CommandContext } from "./command-context.ts";
import { refuse } from "./refuse.ts";

export function ack(
  context: CommandContext,
  peer: Peer,
  { seq, k }: Extract<Command, { type: "Ack" }>,
  now: number,
): void {
  const { output, proof, pump, storage } = context;
  const { head } = storage.log;
  const isShown = k !== undefined && proof.show(peer, k, now);
  if (isShown) {
    output.saveSnapshot(peer);
    pump.schedule(peer);
  }
  const counted = proof.counted(peer, seq);
  if (seq <= head && (pump.ack(peer, counted, now) || isShown)) return;
  // An ack that advances nothing costs what any other command costs.
  if (!charge(context, peer, 1, now) || seq <= head) return;
  const message = `seq: ${seq} is above the newest entry, ${head}; acknowledge only what you were sent`;
  refuse(context, peer, { code: "bad-ack", message });
}
