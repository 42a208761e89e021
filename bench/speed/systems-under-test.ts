/** The systems under test, by name. The others are compared with the first. */
import type { SystemUnderTest, Memory, Speaker, SpeakerOptions } from "./rig/system-under-test.ts";
import { startDev } from "./rig/dev-server.ts";
import { startNode } from "./rig/node-server.ts";
import { ArraySpeaker, PlainSpeaker, V1Speaker } from "./rig/speakers.ts";
import { startWorkerd, type Worker } from "./rig/workerd.ts";

/** Limits that no workload reaches: the defaults suit people, not a load generator. */
const WIDE = {
  RATE: 100_000,
  BURST: 1_000_000,
  MAX_ONLINE: 32_000,
  MAX_NAMES: 32_000,
  LOG_ENTRIES: 10_000_000,
  LOG_MIB: 8_192,
  LOG_SHARE: 0,
};

/** The key of the operator, who reads the room's counters. */
export const ADMIN_KEY = "the-key-of-the-bench";

/** The room as a system under test. */
export const ROOM = {
  entry: "src/worker.ts",
  className: "ChatRoom",
  binding: "CHAT_ROOM",
  vars: { ...WIDE, ADMIN_KEY },
};
const object = (file: string, className: string): Worker => ({
  entry: `bench/speed/objects/${file}`,
  className,
  binding: "ROOM",
});

type SpeakerClass = new (options: SpeakerOptions) => Speaker;

const onWorkerd = (
  name: string,
  about: string,
  worker: Worker,
  memory: Memory,
  SpeakerClass: SpeakerClass = PlainSpeaker,
): SystemUnderTest => ({
  name,
  about,
  memory,
  start: (folder) => startWorkerd(worker, folder),
  speak: (options) => new SpeakerClass(options),
});

const onNode = (
  name: string,
  about: string,
  file: string,
  memory: Memory,
  SpeakerClass: SpeakerClass,
): SystemUnderTest => ({
  name,
  about,
  memory,
  start: () => startNode(new URL(`npm/${file}`, import.meta.url)),
  speak: (options) => new SpeakerClass(options),
});

/** The systems that need only this project. */
const OWN: readonly SystemUnderTest[] = [
  onWorkerd("relay", "an object that stores nothing", object("relay.ts", "Relay"), "none"),
  onWorkerd(
    "insert",
    "the relay with one INSERT per message",
    object("insert.ts", "Insert"),
    "written",
  ),
  onWorkerd("room", "this project, one message per frame", ROOM, "replayed", V1Speaker),
  onWorkerd("arrays", "this project, clients that send arrays", ROOM, "replayed", ArraySpeaker),
  {
    name: "dev",
    about: "this project in wrangler dev, as npm start runs it",
    memory: "replayed",
    start: () => startDev(WIDE),
    speak: (options) => new V1Speaker(options),
  },
];

/** The systems from npm. */
export const NPM_SYSTEMS = ["party", "party-insert", "socket.io", "ws"] as const;

export const NAMES: readonly string[] = [...OWN.map(({ name }) => name), ...NPM_SYSTEMS];

/** @param npm whether the packages from npm are installed */
export async function systemsUnderTest(npm: boolean): Promise<readonly SystemUnderTest[]> {
  if (!npm) return OWN;
  const { SocketIoSpeaker } = await import("./npm/socket-io-speaker.ts");
  return [
    ...OWN,
    onWorkerd("party", "partyserver, stores nothing", object("party.ts", "Party"), "none"),
    onWorkerd(
      "party-insert",
      "partyserver with one INSERT per message",
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
