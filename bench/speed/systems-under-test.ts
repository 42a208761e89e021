/** Who takes part, by name. The first is what the others are compared with. */
import type { Contender, Memory, Speaker, SpeakerOptions } from "./rig/system-under-test.ts";
import { startDev } from "./rig/dev-server.ts";
import { startNode } from "./rig/node-server.ts";
import { ArraySpeaker, PlainSpeaker, V1Speaker } from "./rig/speakers.ts";
import { startWorkerd, type Worker } from "./rig/workerd.ts";

/** Limits that bound no workload. What they bound is the flow of people, not of a generator. */
const WIDE = {
  RATE: 100_000,
  BURST: 1_000_000,
  MAX_ONLINE: 32_000,
  MAX_NAMES: 32_000,
  LOG_ENTRIES: 10_000_000,
  LOG_MIB: 8_192,
  LOG_SHARE: 0,
};

/** The room as the contenders have it. */
export const ROOM = {
  entry: "src/worker.ts",
  className: "ChatRoom",
  binding: "CHAT_ROOM",
  vars: WIDE,
};
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
  memory: Memory,
  Manner: Manner = PlainSpeaker,
): Contender => ({
  name,
  about,
  memory,
  start: (folder) => startWorkerd(worker, folder),
  speak: (options) => new Manner(options),
});

const onNode = (
  name: string,
  about: string,
  file: string,
  memory: Memory,
  Manner: Manner,
): Contender => ({
  name,
  about,
  memory,
  start: () => startNode(new URL(`peers/${file}`, import.meta.url)),
  speak: (options) => new Manner(options),
});

/** Those that need nothing but the project. */
const OWN: readonly Contender[] = [
  onWorkerd("relay", "an object that stores nothing", object("relay.ts", "Relay"), "none"),
  onWorkerd(
    "insert",
    "the relay with one INSERT a message",
    object("insert.ts", "Insert"),
    "written",
  ),
  onWorkerd("room", "this project, one message a frame", ROOM, "replayed", V1Speaker),
  onWorkerd("arrays", "this project, clients that send arrays", ROOM, "replayed", ArraySpeaker),
  {
    name: "dev",
    about: "this project in wrangler dev, as npm start runs it",
    memory: "replayed",
    start: () => startDev(WIDE),
    speak: (options) => new V1Speaker(options),
  },
];

/** Those from npm. */
export const PEERS = ["party", "party-insert", "socket.io", "ws"] as const;

export const NAMES: readonly string[] = [...OWN.map(({ name }) => name), ...PEERS];

/** @param peers are the packages there? */
export async function contenders(peers: boolean): Promise<readonly Contender[]> {
  if (!peers) return OWN;
  const { SocketIoSpeaker } = await import("./peers/socket-io-speaker.ts");
  return [
    ...OWN,
    onWorkerd("party", "partyserver, stores nothing", object("party.ts", "Party"), "none"),
    onWorkerd(
      "party-insert",
      "partyserver with one INSERT a message",
      object("party-insert.ts", "PartyInsert"),
      "written",
    ),
    onNode(
      "socket.io",
      "Socket.IO on Node, recovery from memory",
      "socket-io.ts",
      "recovered",
      SocketIoSpeaker,
    ),
    onNode("ws", "ws on Node, stores nothing", "ws.ts", "none", PlainSpeaker),
  ];
}
