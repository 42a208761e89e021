/**
 * Clients inside workerd, connected through the real Worker to the real object. Every wait has a condition and a
 * deadline; nothing sleeps.
 */
import { env, evictDurableObject, runInDurableObject } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import type { ChatRoom } from "../../../src/durable-object/chat-room.ts";
import type { ServerFrame } from "../../../src/protocol/frames.ts";

const DEADLINE_MS = 3_000;

let rooms = 0;

type Kind = ServerFrame["type"];
type FrameOf<Type extends Kind> = Extract<ServerFrame, { type: Type }>;

interface JoinOptions {
  readonly dialect?: "chat.v1" | "chat.line";
  readonly key?: string;
  /** Offered in addition to the dialect. */
  readonly subprotocols?: readonly string[];
  /** Never answers a Close, like a half-open connection. */
  readonly halfOpen?: boolean;
  /** Query parameters besides the name. */
  readonly query?: Record<string, string | number>;
}

/** Sets vars of wrangler.toml for the rooms that wake within `scene`. */
export async function withVars<T>(
  vars: Record<string, string>,
  scene: () => Promise<T>,
): Promise<T> {
  const bindings: Record<string, unknown> = Object(env);
  const before = Object.keys(vars).map((name) => [name, bindings[name]]);
  Object.assign(bindings, vars);
  try {
    return await scene();
  } finally {
    Object.assign(bindings, Object.fromEntries(before));
  }
}

/** A room of its own for one test. */
export class TestRoom {
  readonly name: string;

  constructor(name = `room-${rooms++}`) {
    this.name = name;
  }

  /** A new stub each time, because a stub does not survive a crash of its object. */
  get stub(): DurableObjectStub<ChatRoom> {
    return env.CHAT_ROOM.getByName(this.name);
  }

  async joins(name: string, joining: JoinOptions = {}): Promise<Client> {
    const { dialect = "chat.v1", key, subprotocols = [], halfOpen = false, query = {} } = joining;
    const parameters = new URLSearchParams({ name });
    for (const [parameter, value] of Object.entries(query))
      parameters.set(parameter, String(value));
    const headers: Record<string, string> = { Upgrade: "websocket" };
    headers["Sec-WebSocket-Protocol"] = [dialect, ...subprotocols].join(", ");
    if (key !== undefined) headers["Authorization"] = `Bearer ${key}`;
    const url = `http://localhost/rooms/${this.name}?${parameters.toString()}`;
    const response = await exports.default.fetch(url, { headers });
    if (response.webSocket === null) throw new Error(`no socket: ${await response.text()}`);
    return new Client(name, response.webSocket, halfOpen);
  }

  /** Loses memory; keeps sockets. Waits for timers to end, so nothing may be in flight or in grace. */
  sleeps(): Promise<void> {
    return evictDurableObject(this.stub, { webSockets: "hibernate" });
  }

  /** Loses memory and sockets; no handler runs. Waits for timers to end, as `sleeps` does. */
  isEvicted(): Promise<void> {
    return evictDurableObject(this.stub, { webSockets: "close" });
  }

  /** Aborts the object, as in a crash: uncommitted data is lost. */
  async crashes(): Promise<void> {
    try {
      await this.inside((_room, state) => state.abort("crash"));
    } catch {
      // An abort rejects the call.
    }
  }

  inside<T>(work: (room: ChatRoom, state: DurableObjectState) => T | Promise<T>): Promise<T> {
    return runInDurableObject(this.stub, work);
  }

  counters(): Promise<ChatRoom["counters"]> {
    return this.inside((room) => room.counters);
  }

  /** Returns the sockets of one name inside the object, oldest first. */
  socketsOf(state: DurableObjectState, name: string): WebSocket[] {
    const idOf = (ws: WebSocket): { name: string; id: string } =>
      (ws.deserializeAttachment() as { memo: { link: { name: string; id: string } } }).memo.link;
    const sockets = state.getWebSockets().filter((ws) => idOf(ws).name === name);
    return sockets.sort((a, b) => (idOf(a).id < idOf(b).id ? -1 : 1));
  }

  /** Resolves when every event so far has been processed. */
  async settles(): Promise<void> {
    const probe = await this.joins("settles", { dialect: "chat.line" });
    await probe.hearsText("* welcome");
    probe.closes();
    await probe.isClosed();
  }
}

export class Client {
  readonly name: string;
  readonly #ws: WebSocket;
  /** The texts of the frames received. */
  readonly frames: string[] = [];
  closed: { readonly code: number; readonly reason: string } | undefined;
  #wakeUp: () => void = () => {};
  readonly #heard: ServerFrame[] = [];
  /** Number of frames already parsed into `#heard`. */
  #read = 0;

  constructor(name: string, ws: WebSocket, halfOpen: boolean) {
    this.name = name;
    this.#ws = ws;
    ws.addEventListener("message", ({ data }) => {
      this.frames.push(data as string);
      this.#wakeUp();
    });
    ws.addEventListener("close", ({ code, reason }) => {
      this.closed = { code, reason };
      this.#wakeUp();
    });
    ws.accept({ allowHalfOpen: halfOpen });
  }

  /** All messages that a `chat.v1` client has received. */
  get heard(): readonly ServerFrame[] {
    for (const text of this.frames.slice(this.#read)) {
      if (text !== "pong")
        this.#heard.push(...[JSON.parse(text) as ServerFrame | ServerFrame[]].flat());
    }
    this.#read = this.frames.length;
    return this.#heard;
  }

  all<Type extends Kind>(type: Type): FrameOf<Type>[] {
    return this.heard.filter((frame): frame is FrameOf<Type> => frame.type === type);
  }

  get texts(): string[] {
    return this.all("message").map(({ text }) => text);
  }

  get lines(): string[] {
    return this.frames.flatMap((frame) => frame.split("\n"));
  }

  tells(frame: unknown): void {
    this.#ws.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  tellsBytes(bytes: ArrayBuffer): void {
    this.#ws.send(bytes);
  }

  says(text: string, to?: readonly string[], id: string = text): void {
    this.tells({ type: "send", id, text, ...(to && { to }) });
  }

  acks(seq: number): void {
    const k = this.all("mark").at(-1)?.k;
    this.tells({ type: "ack", seq, ...(k !== undefined && { k }) });
  }

  closes(code?: number): void {
    this.#ws.close(code);
  }

  /** Waits until it has received exactly these texts, in this order, since it joined. */
  async hears(...texts: string[]): Promise<void> {
    await this.until(() => this.texts.length >= texts.length, `${texts.length} texts`);
    if (JSON.stringify(this.texts) !== JSON.stringify(texts)) {
      throw new Error(`${this.name} received ${JSON.stringify(this.texts)}`);
    }
  }

  async hearsText(part: string): Promise<void> {
    await this.until(() => this.frames.some((frame) => frame.includes(part)), part);
  }

  async hearsKind<Type extends Kind>(type: Type, times = 1): Promise<FrameOf<Type>> {
    await this.until(() => this.all(type).length >= times, `${times} × ${type}`);
    const last = this.all(type)[times - 1];
    if (last === undefined) throw new Error(`no ${type}`);
    return last;
  }

  isReady(): Promise<FrameOf<"ready">> {
    return this.hearsKind("ready");
  }

  async isClosed(): Promise<{ readonly code: number; readonly reason: string }> {
    await this.until(() => this.closed !== undefined, "a close");
    return this.closed ?? { code: 0, reason: "" };
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + DEADLINE_MS;
    while (!condition()) {
      const left = deadline - performance.now();
      if (left <= 0) {
        throw new Error(`${this.name} waited for ${what}, and received ${this.frames.join("\n")}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wakeUp = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}
