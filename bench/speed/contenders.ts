/** Who takes part, by name. The first is what the others are compared with. */
import type { Contender, Speaker, SpeakerOptions } from "./rig/contender.ts";
import { ArraySpeaker, PlainSpeaker, V1Speaker } from "./rig/speakers.ts";
import { startWorkerd, type Worker } from "./rig/workerd.ts";

/** Limits that bound no workload. What they bound is the flow of people, not of a generator. */
const WIDE = {
  RATE: 100_000,
  BURST: 1_000_000,
  MAX_ONLINE: 32_000,
  LOG_ENTRIES: 10_000_000,
  LOG_MIB: 8_192,
  LOG_SHARE: 0,
};

const room = { entry: "src/worker.ts", className: "ChatRoom", binding: "CHAT_ROOM", vars: WIDE };
const object = (file: string, className: string): Worker => ({
  entry: `bench/speed/objects/${file}`,
  className,
  binding: "ROOM",
});

type Manner = new (options: SpeakerOptions) => Speaker;

const onWorkerd = (
  name: string,
  about: string,
  worker: Worker,
  stores: boolean,
  Manner: Manner = PlainSpeaker,
): Contender => ({
  name,
  about,
  stores,
  start: (folder) => startWorkerd(worker, folder),
  speak: (options) => new Manner(options),
});

export const CONTENDERS: readonly Contender[] = [
  onWorkerd("relay", "an object that stores nothing", object("relay.ts", "Relay"), false),
  onWorkerd("insert", "the relay with one INSERT a message", object("insert.ts", "Insert"), true),
  onWorkerd("room", "this project, one message a frame", room, true, V1Speaker),
  onWorkerd("arrays", "this project, clients that send arrays", room, true, ArraySpeaker),
];
