/**
 * Hostile clients: one after the other, everything that an unauthorized client can do to a room from outside.
 *
 * They must not disturb anybody. They address their messages to themselves, so no other client may receive one.
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
import type { Violation } from "./history.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** Number of names that adversaries use. */
const NAMES = 5;

const send = (to: string, text: string): string =>
  JSON.stringify({ type: "send", id: text, text, to: [to] });

/** The attack of an adversary on an open connection. */
const ATTACKS: readonly ((socket: RawWebSocket, me: string, random: SeededRandom) => void)[] = [
  (socket, me, random) => socket.says(send(me, `secret ${random.next()}`)),
  (socket) => socket.says("{"),
  (socket) => socket.says(`${"[".repeat(20_000)}${"]".repeat(20_000)}`),
  (socket) =>
    socket.says(
      JSON.stringify({ type: "signal", data: JSON.parse("[".repeat(400) + "]".repeat(400)) }),
    ),
  (socket, me) =>
    socket.says(JSON.stringify([null, 1, {}, { type: "send" }, { type: "unheard of", to: me }])),
  (socket) => socket.says(`{"type":"send","id":"x","text":"\\ud800"}`),
  (socket) => socket.says(JSON.stringify({ type: "ack", seq: Number.MAX_SAFE_INTEGER })),
  (socket) => socket.says(JSON.stringify({ type: "ack", seq: -1 })),
  (socket, _me, random) => {
    // None of these entries is its own, and some are patches.
    for (let number = 0; number < 10; number++) {
      const patch = { type: "patch", id: `steal ${number}`, ref: random.between(1, 400) };
      socket.says(
        JSON.stringify({ ...patch, ...random.pick([{ text: "stolen" }, { erase: true }]) }),
      );
    }
  },
  (socket) =>
    socket.says(JSON.stringify({ type: "patch", id: "x", ref: 1, text: "both", erase: true })),
  (socket, me) =>
    socket.says(
      `{"type":"send","id":"deep","text":"","to":["${me}"],"data":${'{"a":'.repeat(60)}1${"}".repeat(60)}}`,
    ),
  (socket) => socket.says("x".repeat(70_000)),
  (socket) => socket.sends(frameOf(OPCODE.binary, "binary")),
  (socket) => socket.sends(frameOf(OPCODE.text, "bare", { masked: false })),
  (socket) => socket.sends(frameOf(OPCODE.text, "odd", { reserved: 7 })),
  (socket) => socket.sends(frameOf(OPCODE.continuation, "of nothing")),
  (socket) => socket.sends(frameOf(OPCODE.text, "begun", { fin: false })),
  (socket) => socket.sends(frameOf(OPCODE.text, Buffer.from([0xff, 0xfe]))),
  (socket) => socket.sends(frameOf(OPCODE.text, "half of it").subarray(0, 9)),
  (socket) =>
    socket.sends(closeFrameOf(4999, "bye"), closeFrameOf(1005), frameOf(OPCODE.text, "after all")),
  (socket, me) => {
    // A flood above the rate limit.
    for (let number = 0; number < 600; number++) socket.says(send(me, `flood ${number}`));
  },
  (socket) => {
    socket.stopsReading();
    for (let number = 0; number < 40; number++) {
      socket.says(JSON.stringify({ type: "history", id: `h${number}`, limit: 100 }));
    }
  },
];

/** Queries that the room rejects. */
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
  readonly #memberNames: readonly string[];
  readonly #random: SeededRandom;
  readonly violations: Violation[] = [];
  /** Number of actions so far. */
  actions = 0;

  /**
   * @param origin  of the room's server
   * @param path    of the room
   * @param members names that have a key
   */
  constructor(origin: string, path: string, members: readonly string[], random: SeededRandom) {
    this.#origin = origin;
    this.#path = path;
    this.#memberNames = members;
    this.#random = random;
  }

  async runs(stop: AbortSignal, isQuiesced: () => boolean): Promise<void> {
    while (!stop.aborted) {
      await pause(this.#random.between(20, 300));
      if (isQuiesced()) continue;
      this.actions++;
      // Actions fail while the server is down.
      await this.#act().catch(() => {});
    }
  }

  #act(): Promise<void> {
    const kind = this.#random.next();
    if (kind < 0.1) return this.#abortHandshake();
    if (kind < 0.2) return this.#sendInvalidQuery(this.#random.pick(QUERIES));
    if (kind < 0.3) return this.#stealName(this.#random.pick(this.#memberNames));
    return this.#attack(`adversary-${this.#random.between(1, NAMES)}`);
  }

  async #attack(me: string): Promise<void> {
    const socket = await this.#connect(`name=${me}`);
    if (socket === undefined) return;
    for (let more = this.#random.between(1, 3); more > 0; more--) {
      this.#random.pick(ATTACKS)(socket, me, this.#random);
    }
    await pause(this.#random.between(5, 400));
    socket.vanishes();
  }

  /** Tries to join under a member's name, which belongs to the key that first used it. */
  async #stealName(name: string): Promise<void> {
    const socket = await this.#connect(`name=${name}`);
    try {
      await socket?.refusal();
    } catch (error) {
      if (!String(error).includes("admitted instead")) return;
      this.violations.push({
        rule: "R1",
        what: `an adversary without a key was admitted as ${name}`,
      });
    } finally {
      socket?.vanishes();
    }
  }

  async #sendInvalidQuery(query: string): Promise<void> {
    (await this.#connect(query))?.vanishes();
  }

  /** Sends half a handshake, then resets the connection. */
  async #abortHandshake(): Promise<void> {
    const { hostname, port } = new URL(this.#origin);
    const socket = connect(Number(port), hostname);
    socket.on("error", () => {});
    socket.write(`GET ${this.#path}?name=half HTTP/1.1\r\nHost: x\r\nUpgr`);
    await pause(this.#random.between(1, 300));
    socket.resetAndDestroy();
  }

  async #connect(query: string): Promise<RawWebSocket | undefined> {
    const headers = upgradeHeaders(["chat.v1"]);
    const { webSocket } = await sendRequest(this.#origin, `${this.#path}?${query}`, { headers });
    return webSocket;
  }
}
