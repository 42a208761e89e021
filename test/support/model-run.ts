/**
 * Runs the real object beside its model: takes one step on both, and compares what anybody can see or will ever see.
 *
 * Compared after every step: what each link was handed, in order; how ended links were closed; who is online, by the
 * word of everyone who can ask; the log; where every name would go on from; and what the sockets remember.
 */
import { expect, vi } from "vitest";
import type { ChatRoom } from "../../src/chat-room.ts";
import { type Dialect, type Handed, type Link, RoomModel } from "./room-model.ts";
import { type Fault, Trouble } from "./trouble.ts";
import { type Client, Room } from "./workerd.ts";

export type Signal = "close" | "error";

export type Step = { readonly fault?: Fault | undefined } & (
  | {
      readonly type: "join";
      readonly who: string;
      readonly dialect: Dialect;
      readonly how: How;
      /** The connection that is replaced fails in the same turn, before or behind the join. */
      readonly race?: "before" | "behind" | undefined;
    }
  | { readonly type: "say"; readonly who: string; readonly to: To; readonly count: number }
  | { readonly type: "ack"; readonly who: string; readonly how: "all" | "one" | "again" }
  | { readonly type: "vanish"; readonly who: string }
  | { readonly type: "leave"; readonly who: string }
  | {
      readonly type: "signal";
      readonly who: string;
      readonly which: number;
      readonly signals: Signal[];
      readonly inOneTurn: boolean;
    }
  | { readonly type: "ghost"; readonly who: string; readonly which: number }
  | { readonly type: "sleep" | "evict" | "crash" }
  | { readonly type: "pass"; readonly seconds: number }
);
export type How = "resume" | "own cursor" | "from zero" | "overtaken" | "wrong key";
export type To = readonly string[] | "everyone" | "nobody";

/** One connection, as its client, the model and the object know it. */
interface Line {
  readonly client: Client;
  readonly link: Link;
  readonly id: string;
  /** It hears nothing and says nothing any more, and the room has not noticed. */
  isSilent: boolean;
  /** How it ended. */
  code: number | undefined;
  /** It ended, and that was looked at. */
  isOver: boolean;
  /** How much of what it was handed its person has processed. */
  read: number;
}

/** Somebody with a name, a key and a cursor that outlive connections. */
class Person {
  readonly name: string;
  readonly key: string;
  readonly lines: Line[] = [];
  attempt = 0;
  cursor: number | undefined;
  readonly seen: number[] = [];
  readonly gaps: { readonly from: number; readonly to: number }[] = [];

  constructor(name: string, key: string) {
    this.name = name;
    this.key = key;
  }

  /** The connection that the room holds for the current one, if it is not over. */
  get line(): Line | undefined {
    const line = this.lines.at(-1);
    return line?.code === undefined ? line : undefined;
  }

  get talking(): Line | undefined {
    return this.line?.isSilent === false ? this.line : undefined;
  }

  /** As `chat.v1` clients do: what is not above the cursor is a repeat. */
  processes(handed: Handed): void {
    const { cursor = 0 } = this;
    if (handed.type === "message") {
      if (handed.seq <= cursor) return;
      this.seen.push(handed.seq);
      this.cursor = handed.seq;
    } else if (handed.to > cursor) {
      this.gaps.push({ from: Math.max(handed.from, cursor + 1), to: handed.to });
      this.cursor = handed.to;
    }
  }
}

const TICK_MS = 250;
let texts = 0;

export class ModelRun {
  readonly room = new Room();
  readonly model = new RoomModel();
  readonly people: Map<string, Person>;
  #now = Date.now();
  #trouble: Trouble | undefined;
  #epoch = "";

  /** @param keys of the names; a run has no others */
  constructor(keys: Readonly<Record<string, string>>) {
    this.people = new Map(
      Object.entries(keys).map(([name, key]) => [name, new Person(name, key)] as const),
    );
  }

  async takes(step: Step): Promise<void> {
    await this.#passes(step.type === "pass" ? step.seconds * 1_000 : TICK_MS, step.fault);
    await this.#acts(step);
    this.#disarm();
    await this.#compare();
  }

  /** Everyone comes back on a healthy link and acknowledges: then everything has reached whom it concerns. */
  async heals(): Promise<void> {
    for (const who of this.people.keys()) {
      await this.takes({ type: "join", who, dialect: "chat.v1", how: "resume" });
    }
    // Once something is appended the log is trimmed, and who was far behind is told of the gap.
    const [who = ""] = this.people.keys();
    await this.takes({ type: "say", who, to: "everyone", count: 1 });
    for (let turns = 0; turns < 20; turns++) {
      const behind = [...this.people.values()].filter(
        ({ line }) => (line?.link.flight.length ?? 0) > 0,
      );
      if (behind.length === 0) break;
      for (const { name } of behind) await this.takes({ type: "ack", who: name, how: "all" });
    }
    for (const { name, line, seen, gaps } of this.people.values()) {
      expect(line?.link.ready, `R11: ${name} becomes ready`).toBe(true);
      const birth = line?.link.birth ?? 0;
      const missed = this.model.log.filter(
        (entry) =>
          entry.seq > birth &&
          entry.from !== name &&
          this.model.concerns(entry, name) &&
          !seen.includes(entry.seq) &&
          !gaps.some(({ from, to }) => from <= entry.seq && entry.seq <= to),
      );
      expect(missed, `R5: ${name} has everything, or was told of the gap`).toEqual([]);
      expect(seen, `R4: ${name} saw it in order, once`).toEqual(
        [...new Set(seen)].sort((a, b) => a - b),
      );
    }
  }

  /** Did the storage fail in this step? */
  get hasFailed(): boolean {
    return this.#trouble?.hasFired ?? false;
  }

  async #acts(step: Step): Promise<void> {
    switch (step.type) {
      case "join":
        return this.#joins(step);
      case "say":
        return this.#says(step);
      case "ack":
        return this.#acks(step);
      case "vanish": {
        const line = this.#person(step.who).talking;
        // What a person at a line was handed counts as theirs, so there the room must be told.
        if (line?.link.dialect === "chat.v1") line.isSilent = true;
        return;
      }
      case "leave": {
        const line = this.#person(step.who).talking;
        if (line === undefined) return;
        line.client.closes(1000);
        await line.client.isClosed();
        return this.#hasEnded(line, 1000);
      }
      case "signal":
        return this.#signals(step);
      case "ghost":
        return this.#ghostSays(step);
      case "sleep":
      case "evict":
        return this.#rests(step.type);
      case "crash":
        await this.room.crashes();
        return this.#lostAll();
      case "pass":
        return;
      default:
        step satisfies never;
    }
  }

  async #joins({ who, dialect, how, race }: Extract<Step, { type: "join" }>): Promise<void> {
    const person = this.#person(who);
    const { model } = this;
    if (how === "wrong key" && !model.names.has(who)) return;
    const key = how === "wrong key" ? "another" : person.key;
    const isV1 = dialect === "chat.v1";
    if (isV1 && how !== "overtaken") person.attempt++;
    const attempt = isV1 ? person.attempt : undefined;
    const since = how === "from zero" ? 0 : how === "resume" && isV1 ? person.cursor : undefined;
    const query = {
      ...(since !== undefined && { since }),
      ...(since !== undefined && since > 0 && { epoch: this.#epoch }),
      ...(attempt !== undefined && { session: who, attempt }),
    };
    const older = person.line;
    if (race !== undefined && older !== undefined) await this.#races(older, race);
    const client = await this.room.joins(who, {
      dialect,
      halfOpen: true,
      query,
      ...(key !== "" && { key }),
    });
    if (this.hasFailed) {
      expect((await client.isClosed()).code).toBe(4102);
      if (race !== undefined && older !== undefined) return this.#hasEnded(older, 1005);
      this.#disarm();
      return this.#recovers();
    }
    this.#disarm();
    if (race === "before" && older !== undefined) this.#hasEnded(older, 1005);
    const admitted = model.joins({ name: who, dialect, key, since, attempt });
    if (typeof admitted === "number") {
      expect((await client.isClosed()).code, `${who} is turned away`).toBe(admitted);
      if (race === "behind" && older !== undefined) this.#hasEnded(older, 1005);
      return;
    }
    if (older !== undefined) older.code ??= 4001;
    const id = await this.room.inside((_object, state) =>
      idOf(this.room.socketsOf(state, who).at(-1)),
    );
    const from = model.online.get(who)?.memo.acked;
    person.cursor ??= admitted.handed.length === 0 ? from : undefined;
    person.lines.push({
      client,
      link: admitted,
      id,
      isSilent: false,
      code: undefined,
      isOver: false,
      read: 0,
    });
    if (isV1) this.#epoch = (await client.hearsKind("welcome")).epoch;
    else await client.hearsText("* welcome");
  }

  /** The next join meets the failure of `line` in its inbox. */
  #races({ id, link }: Line, when: "before" | "behind"): Promise<void> {
    return this.room.inside((object, state) => {
      const ws = this.room.socketsOf(state, link.name).find((one) => idOf(one) === id);
      if (ws === undefined) throw new Error(`${link.name} has no socket`);
      object.fetch = (request) => {
        Reflect.deleteProperty(object, "fetch");
        if (when === "before") void object.webSocketClose(ws, 1006);
        const answer = object.fetch(request);
        if (when === "behind") void object.webSocketError(ws);
        return answer;
      };
    });
  }

  async #says({ who, to, count }: Extract<Step, { type: "say" }>): Promise<void> {
    const line = this.#person(who).talking;
    if (line === undefined) return;
    const { client, link } = line;
    const written = Array.from({ length: count }, () => `m${texts++}`);
    const names = to === "everyone" ? undefined : to === "nobody" ? ["nobody"] : to;
    if (link.dialect === "chat.v1") {
      client.tells(
        written.map((text) => ({ type: "send", id: text, text, ...(names && { to: names }) })),
      );
    } else {
      client.tells(written.map((text) => `${names?.join(", ") ?? "*"}: ${text}`).join("\n"));
    }
    await this.#hasTaken(line);
    if (this.hasFailed) return this.#hasEnded(line, 4102);
    this.#disarm();
    const isKnown = names?.every((name) => this.model.names.has(name)) ?? true;
    if (isKnown) this.model.says(who, written, names);
    else if (link.dialect === "chat.v1") {
      const refused = client.all("error").filter(({ code }) => code === "unknown-peer");
      expect(refused.slice(-count).map(({ id }) => id)).toEqual(written);
    }
  }

  async #acks({ who, how }: Extract<Step, { type: "ack" }>): Promise<void> {
    const line = this.#person(who).talking;
    if (line === undefined || line.link.dialect === "chat.line") return;
    const { flight, acked } = line.link;
    const seq = how === "again" ? acked : how === "one" ? flight[0] : flight.at(-1);
    if (seq === undefined) return;
    line.client.acks(seq);
    await this.#hasTaken(line);
    expect(this.#disarm(), "R10: an ack writes nothing").toBe(false);
    this.model.acks(line.link, seq);
  }

  /** Failure signals of any connection that the platform still lists, current or not. */
  async #signals(step: Extract<Step, { type: "signal" }>): Promise<void> {
    const person = this.#person(step.who);
    const id = await this.room.inside(async (object, state) => {
      const sockets = this.room.socketsOf(state, step.who);
      const ws = sockets[step.which % Math.max(1, sockets.length)];
      if (ws === undefined) return undefined;
      // Its attachment is what tells whose failure this is; the answer to the Close does not change that.
      const who = idOf(ws);
      const turns = step.signals.map(async (signal) => {
        if (signal === "close") return object.webSocketClose(ws, 1006);
        return object.webSocketError(ws);
      });
      if (step.inOneTurn) await Promise.all(turns);
      else for (const turn of turns) await turn;
      return who;
    });
    const line = person.lines.find((one) => one.id === id);
    if (line !== undefined && line === person.line) return this.#hasEnded(line, 1005);
    expect(this.#disarm(), "a late signal writes nothing").toBe(false);
  }

  /** A connection that the room has ended goes on talking. */
  async #ghostSays({ who, which }: Extract<Step, { type: "ghost" }>): Promise<void> {
    const current = this.#person(who).line?.id;
    await this.room.inside(async (object, state) => {
      const ghosts = this.room.socketsOf(state, who).filter((ws) => idOf(ws) !== current);
      const ws = ghosts[which % Math.max(1, ghosts.length)];
      const frame = { type: "send", id: "ghost", text: "ghost" };
      if (ws !== undefined) await object.webSocketMessage(ws, JSON.stringify(frame));
    });
  }

  /** Only what has nothing in flight and nobody in grace sleeps. */
  async #rests(how: "sleep" | "evict"): Promise<void> {
    const { model } = this;
    const isBusy = [...model.online.values()].some(({ flight }) => flight.length > 0);
    if (isBusy || model.grace.size > 0) return;
    this.#disarm();
    if (how === "sleep") {
      await this.room.sleeps();
      model.wakes();
      return;
    }
    await this.room.isEvicted();
    return this.#lostAll();
  }

  /** Time passes, and what is due is done. */
  async #passes(ms: number, fault: Fault | undefined): Promise<void> {
    this.#now += ms;
    vi.setSystemTime(this.#now);
    await this.room.inside(async (object, { storage }) => {
      await turn(object);
      if (fault !== undefined) this.#trouble = new Trouble(storage, fault);
    });
    this.model.now = this.#now;
    this.model.serves();
    for (const link of this.model.turns()) {
      const line = this.#person(link.name).line;
      if (line !== undefined) line.code = 4201;
    }
  }

  /** A removal stands whether its row could be written or not. */
  #hasEnded(line: Line, code: number): void {
    const hasFailed = this.#disarm();
    if (hasFailed) this.model.wakes();
    line.code = code;
    this.model.removes(line.link, code === 1000);
    if (hasFailed) this.model.serves();
  }

  #lostAll(): void {
    this.model.crashes();
    for (const { line } of this.people.values()) if (line !== undefined) line.code = 1006;
  }

  /** Memory was put back to what is stored. */
  #recovers(): void {
    this.model.wakes();
    this.model.serves();
  }

  /** @returns whether the storage failed since it was armed */
  #disarm(): boolean {
    const hasFailed = this.hasFailed;
    this.#trouble?.restore();
    this.#trouble = undefined;
    return hasFailed;
  }

  /** The room has taken all that this client said, or has ended it. */
  async #hasTaken({ client, link }: Line): Promise<void> {
    const HELP = "who is here, and who is away";
    const answers = (): number =>
      link.dialect === "chat.v1"
        ? client.all("who").length
        : client.lines.filter((line) => line.includes(HELP)).length;
    const before = answers();
    client.tells(link.dialect === "chat.v1" ? { type: "who", id: `${before}` } : "/help");
    await client.until(() => answers() > before || client.closed !== undefined, "an answer");
  }

  async #compare(): Promise<void> {
    const stored = await this.#stored();
    this.model.serves();
    const talking = [...this.people.values()].flatMap(({ talking: line }) => line ?? []);
    await Promise.all(talking.map((line) => this.#hasTaken(line)));
    const { here, names, log, first, online } = this.model;
    for (const person of this.people.values()) {
      for (const line of person.lines.filter(({ isOver }) => !isOver)) {
        await isAsExpected(line, this.model);
        line.isOver = line.code !== undefined;
      }
      const line = person.lines.at(-1);
      if (line !== undefined && !line.isSilent) {
        for (const handed of line.link.handed.slice(line.read)) person.processes(handed);
        line.read = line.link.handed.length;
      }
    }
    for (const { client, link } of talking) {
      if (link.dialect === "chat.line") continue;
      const peers = client.all("who").at(-1)?.peers ?? [];
      const said = peers.filter((peer) => peer.online).map(({ name }) => name as string);
      expect(said, `who is online, says ${link.name}`).toEqual(here);
      expect(peers.map(({ name }) => name as string)).toEqual([...names.keys()].sort());
    }
    expect(stored.log, "the log").toEqual(
      log.slice(first - 1).map(({ seq, from, text }) => ({ seq, from, text })),
    );
    const cursors = [...names].map(([name, { cursor }]) => [name, cursor]);
    expect(Object.fromEntries(stored.cursors), "what is pending").toEqual(
      Object.fromEntries(cursors),
    );
    const memos = [...this.people.values()].flatMap(({ name, line }) => {
      const memo = online.get(name)?.memo;
      return line && memo ? [[name, { id: line.id, ...memo }]] : [];
    });
    expect(stored.memos, "what the sockets remember").toEqual(Object.fromEntries(memos));
  }

  /** What would be there if memory were lost now. */
  #stored(): Promise<Stored> {
    return this.room.inside(async (object, state) => {
      await turn(object);
      const { sql } = state.storage;
      const rows = <T extends Record<string, SqlStorageValue>>(query: string): T[] =>
        sql.exec<T>(query).toArray();
      const log = rows<{ body: string }>("SELECT body FROM segments ORDER BY last")
        .flatMap(({ body }) => JSON.parse(body) as { seq: number; from: string; text: string }[])
        .map(({ seq, from, text }) => ({ seq, from, text }));
      const checkpoint = rows<{ head: number; saved: string }>(
        "SELECT head, saved FROM checkpoint",
      );
      const saved = new Map(
        checkpoint
          .flatMap((row) => JSON.parse(row.saved) as [string, number, ...unknown[]][])
          .map(([name, cursor]) => [name, cursor]),
      );
      const savedHead = checkpoint[0]?.head ?? 0;
      const cursors = rows<{ name: string; cursor: number; head: number }>(
        "SELECT * FROM peers",
      ).map(({ name, cursor, head }): [string, number] => [
        name,
        head < savedHead ? (saved.get(name) ?? cursor) : cursor,
      ]);
      const memos: Record<string, object> = {};
      for (const ws of state.getWebSockets()) {
        const { over, memo } = ws.deserializeAttachment() as Remembered;
        const { link, acked, ready } = memo;
        if (!over) memos[link.name] = { id: link.id, acked, ready };
      }
      return { log, cursors, memos };
    });
  }

  #person(name: string): Person {
    const person = this.people.get(name);
    if (person === undefined) throw new Error(`nobody is called ${name}`);
    return person;
  }
}

interface Remembered {
  readonly over: boolean;
  readonly memo: {
    readonly link: { readonly name: string; readonly id: string };
    readonly acked: number;
    readonly ready: boolean;
  };
}

interface Stored {
  readonly log: { readonly seq: number; readonly from: string; readonly text: string }[];
  readonly cursors: [string, number][];
  readonly memos: Record<string, object>;
}

/** A turn in which nobody does anything. */
const turn = (object: ChatRoom): Promise<void> =>
  object.webSocketClose(new WebSocketPair()[1], 1006);

const idOf = (ws: WebSocket | undefined): string =>
  (ws?.deserializeAttachment() as Remembered | undefined)?.memo.link.id ?? "";

/** A link was handed just what the model says, and was closed as the model says. */
async function isAsExpected({ client, link, code }: Line, model: RoomModel): Promise<void> {
  if (code !== undefined)
    expect((await client.isClosed()).code, `how ${link.name} ended`).toBe(code);
  else expect(client.closed, `${link.name} is connected`).toBeUndefined();
  const expected = link.handed.filter((handed) => model.isShown(link, handed));
  if (link.dialect === "chat.v1") {
    const heard = client.heard.flatMap((frame): Handed[] => {
      if (frame.type === "message") return [{ type: "message", seq: frame.seq }];
      return frame.type === "gap" ? [frame] : [];
    });
    expect(heard, `what ${link.name} heard`).toEqual(expected);
    expect(client.all("ready").length > 0, `${link.name} was told that it is ready`).toBe(
      link.ready,
    );
  } else {
    const heard = client.lines.filter((line) => line.startsWith("from "));
    const said = expected.map(({ type, ...at }) => {
      const entry = type === "message" && "seq" in at ? model.log[at.seq - 1] : undefined;
      return `from ${entry?.from}: ${entry?.text}`;
    });
    expect(heard, `what ${link.name} read`).toEqual(said);
  }
}
