/**
 * Hostile neighbours: whatever a stranger can do to a room from outside, one thing after the other.
 *
 * They are to disturb nobody. What they may say to the room goes to themselves alone, so that nobody else may see it.
 */
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import {
  sendRequest,
  closeFrameOf,
  frameOf,
  OPCODE,
  type RawWebSocket,
  upgradeHeaders,
} from "../support/clients/raw-websocket.ts";
import type { Fault } from "./history.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** How many different names the strangers use. */
const NAMES = 5;

const send = (to: string, text: string): string =>
  JSON.stringify({ type: "send", id: text, text, to: [to] });

/** What a stranger does on an open link, by name. */
const ATTACKS: readonly ((link: RawWebSocket, me: string, chance: SeededRandom) => void)[] = [
  (link, me, chance) => link.says(send(me, `secret ${chance.next()}`)),
  (link) => link.says("{"),
  (link) => link.says(`${"[".repeat(20_000)}${"]".repeat(20_000)}`),
  (link) =>
    link.says(
      JSON.stringify({ type: "signal", data: JSON.parse("[".repeat(400) + "]".repeat(400)) }),
    ),
  (link, me) =>
    link.says(JSON.stringify([null, 1, {}, { type: "send" }, { type: "unheard of", to: me }])),
  (link) => link.says(`{"type":"send","id":"x","text":"\\ud800"}`),
  (link) => link.says(JSON.stringify({ type: "ack", seq: Number.MAX_SAFE_INTEGER })),
  (link) => link.says(JSON.stringify({ type: "ack", seq: -1 })),
  (link) => link.says("x".repeat(70_000)),
  (link) => link.sends(frameOf(OPCODE.binary, "binary")),
  (link) => link.sends(frameOf(OPCODE.text, "bare", { masked: false })),
  (link) => link.sends(frameOf(OPCODE.text, "odd", { reserved: 7 })),
  (link) => link.sends(frameOf(OPCODE.continuation, "of nothing")),
  (link) => link.sends(frameOf(OPCODE.text, "begun", { fin: false })),
  (link) => link.sends(frameOf(OPCODE.text, Buffer.from([0xff, 0xfe]))),
  (link) => link.sends(frameOf(OPCODE.text, "half of it").subarray(0, 9)),
  (link) =>
    link.sends(closeFrameOf(4999, "bye"), closeFrameOf(1005), frameOf(OPCODE.text, "after all")),
  (link, me) => {
    // A flood: more than the allowance.
    for (let number = 0; number < 600; number++) link.says(send(me, `flood ${number}`));
  },
  (link) => {
    link.stopsReading();
    for (let number = 0; number < 40; number++) {
      link.says(JSON.stringify({ type: "history", id: `h${number}`, limit: 100 }));
    }
  },
];

/** Queries that are refused. */
const QUERIES = [
  "name=",
  "name=a&name=b",
  "name=%00",
  "name=x&since=-1",
  "name=x&since=5",
  "name=x&attempt=1",
];

export class Adversary {
  readonly #origin: string;
  readonly #path: string;
  readonly #members: readonly string[];
  readonly #chance: SeededRandom;
  readonly faults: Fault[] = [];
  /** How many things it did. */
  deeds = 0;

  /**
   * @param origin  where the room is
   * @param path    of the room
   * @param members whose names belong to keys
   */
  constructor(origin: string, path: string, members: readonly string[], chance: SeededRandom) {
    this.#origin = origin;
    this.#path = path;
    this.#members = members;
    this.#chance = chance;
  }

  async goesOn(stop: AbortSignal, isHushed: () => boolean): Promise<void> {
    while (!stop.aborted) {
      await pause(this.#chance.between(20, 300));
      if (isHushed()) continue;
      this.deeds++;
      // While the server is down, strangers have no success either.
      await this.#deed().catch(() => {});
    }
  }

  #deed(): Promise<void> {
    const kind = this.#chance.next();
    if (kind < 0.1) return this.#breaksOff();
    if (kind < 0.2) return this.#knocks(this.#chance.one(QUERIES));
    if (kind < 0.3) return this.#steals(this.#chance.one(this.#members));
    return this.#attacks(`stranger-${this.#chance.between(1, NAMES)}`);
  }

  async #attacks(me: string): Promise<void> {
    const link = await this.#enters(`name=${me}`);
    if (link === undefined) return;
    for (let more = this.#chance.between(1, 3); more > 0; more--) {
      this.#chance.one(ATTACKS)(link, me, this.#chance);
    }
    await pause(this.#chance.between(5, 400));
    link.vanishes();
  }

  /** A name belongs to the key that it was first used with. */
  async #steals(name: string): Promise<void> {
    const link = await this.#enters(`name=${name}`);
    try {
      await link?.refusal();
    } catch (error) {
      if (!String(error).includes("let in")) return;
      this.faults.push({ rule: "R1", what: `a stranger without a key was let in as ${name}` });
    } finally {
      link?.vanishes();
    }
  }

  async #knocks(query: string): Promise<void> {
    (await this.#enters(query))?.vanishes();
  }

  /** A handshake that stops in the middle. */
  async #breaksOff(): Promise<void> {
    const { hostname, port } = new URL(this.#origin);
    const socket = connect(Number(port), hostname);
    socket.on("error", () => {});
    socket.write(`GET ${this.#path}?name=half HTTP/1.1\r\nHost: x\r\nUpgr`);
    await pause(this.#chance.between(1, 300));
    socket.resetAndDestroy();
  }

  async #enters(query: string): Promise<RawWebSocket | undefined> {
    const headers = upgradeHeaders(["chat.v1"]);
    const { webSocket } = await sendRequest(this.#origin, `${this.#path}?${query}`, { headers });
    return webSocket;
  }
}
