/** Runs the neighbors in a process of its own. A task starts each kind; it works until a task ends it. */
import { setTimeout as pause } from "node:timers/promises";
import { serveTasks } from "../support/child.ts";
import { type OnItem, Peer, type Place } from "../support/peer.ts";
import { QUERIES_AT_ONCE, BOMB_BYTES, type Kind } from "./kinds.ts";

export type Task =
  /** Creates what the rounds need: a history to request, names to remember. */
  | { readonly do: "prepare"; readonly place: Place; readonly kind: Kind; readonly names: number }
  | { readonly do: "begin"; readonly place: Place; readonly kind: Kind; readonly count: number }
  | { readonly do: "end" };

/** How often each kind of event happened. */
export type Counts = Readonly<Record<string, number>>;

/** A history of room-wide messages, long enough for pages of the largest size. */
const PAST = 300;
const PAST_BYTES = 8_000;
/** The most false acknowledgers of any scenario. */
const LIARS = 100;
/** Joins in progress at a time while the room is filled with names. */
const AT_ONCE = 50;
/** Longest wait for all joins of a round. */
const ENTERING_MS = 20_000;

const counts = new Map<string, number>();
const record = (what: string, times = 1): void =>
  void counts.set(what, (counts.get(what) ?? 0) + times);

let running = false;
const isRunning = (): boolean => running;
let round = 0;
let works: Promise<void>[] = [];
let peers: Peer[] = [];
/** Joins in progress; a round begins when all have finished. */
let entering: Promise<Peer>[] = [];

/** Joins until the round ends. */
async function enters(place: Place, name: string, query?: string, onItem?: OnItem): Promise<Peer> {
  const joining = Peer.enters(place, name, query, onItem);
  entering.push(joining);
  const peer = await joining;
  peers.push(peer);
  return peer;
}

const NEIGHBORS: Readonly<Record<Kind, (place: Place, count: number) => Promise<void>[]>> = {
  "never acks": (place, count) =>
    each(count, async (number) => {
      await enters(place, `mute-${number}`);
      record("joined");
    }),

  // It requests as much as its rate limit allows: more would end its connection, and cost the room less.
  "queries unread": (place, count) =>
    each(count, async (number) => {
      const peer = await enters(place, `deaf-${round}-${number}`);
      peer.socket.pause();
      const queries = (times: number): void => {
        for (let time = 0; time < times; time++)
          peer.says({ type: "history", id: "again", limit: 100 });
        record("queries", times);
      };
      queries(QUERIES_AT_ONCE);
      while (isRunning()) {
        await pause(1_000);
        queries(5);
      }
    }),

  "acks unread": (place, count) => {
    let head = 0;
    // One of them reads, so that the others know the highest `seq` to acknowledge. It replays from the start, as they do.
    const reader = enters(place, "spy", "&since=0", ({ seq = 0, head: newest = 0 }, self) => {
      head = Math.max(head, seq, newest);
      // Without acks, the replay stops at the window, and `ready` does not come.
      if (seq > 0) self.acks(seq);
    });
    return each(count, async (number) => {
      await reader;
      const name = `liar-${number}`;
      while (isRunning()) {
        // Replay from the start, so that the room has much to send each time.
        const peer = new Peer(place, name, "&since=0");
        peers.push(peer);
        peer.socket.on("open", () => peer.socket.pause());
        for (let time = 0; time < 20 && isRunning(); time++) {
          await pause(50);
          peer.says({ type: "ack", seq: Math.max(1, Math.floor((head * time) / 20)) });
          record("false acks");
        }
        peer.socket.terminate();
      }
    });
  },

  // It acknowledges falsely on one connection until that ends, and then reconnects.
  "acks unread, stays": (place, count) =>
    each(count, async (number) => {
      while (isRunning()) {
        const peer = new Peer(place, `stays-${number}`, "&since=0");
        peers.push(peer);
        peer.socket.on("open", () => peer.socket.pause());
        const ended = peer.ended.then(() => true);
        for (let seq = 30, isOver = false; isRunning() && !isOver; seq += 30) {
          isOver = await Promise.race([ended, pause(100).then(() => false)]);
          peer.says({ type: "ack", seq: Math.min(seq, PAST) });
          record("false acks");
        }
      }
    }),

  "lines unread": (place, count) =>
    each(count, async (number) => {
      while (isRunning()) {
        const peer = new Peer(place, `line-${number}`, "", undefined, ["chat.line"]);
        peers.push(peer);
        peer.socket.on("open", () => peer.socket.pause());
        const ended = peer.ended.then(() => true);
        for (let isOver = false; isRunning() && !isOver;) {
          isOver = await Promise.race([ended, pause(250).then(() => false)]);
          if (peer.socket.readyState === peer.socket.OPEN) peer.socket.send("/history 100");
          record("queries");
        }
      }
    }),

  flood: (place, count) =>
    each(count, async (number) => {
      while (isRunning()) {
        const peer = new Peer(place, `flood-${number}`);
        peers.push(peer);
        peer.socket.on("open", () => {
          for (let time = 0; time < 1_000; time++) {
            peer.says({ type: "send", id: `${round}-${time}`, text: `flood ${"x".repeat(50)}` });
          }
        });
        const code = await Promise.race([peer.ended, pause(2_000)]);
        record(code === 4103 ? "closed with 4103" : "other ends");
        peer.socket.terminate();
        await pause(100);
      }
    }),

  "mail bomb": (place, count) => {
    const text = "x".repeat(BOMB_BYTES);
    const bombers = each(count, async (number) => {
      const peer = await enters(place, `bomber-${number}`, "", ({ type, seq = 0 }, self) => {
        if (type === "message") self.acks(seq);
      });
      while (isRunning()) {
        await pause(100);
        for (let time = 0; time < 4; time++) {
          peer.says({ type: "send", id: `${round}-${time}`, text, to: ["victim"] });
          record("bombs");
        }
      }
    });
    return [...bombers, returns(place)];
  },

  // Each new name makes the room evict another.
  names: (place) =>
    each(10, async (number) => {
      for (let turn = 0; isRunning(); turn++) {
        // Names with pending messages are not evicted: a room full of them rejects new names.
        const name = `new-${round}-${number}-${turn}`;
        await comesAndGoes(place, name).then(
          () => record("new names"),
          () => record("rejected"),
        );
      }
    }),
};

/** Leaves for half a second at a time, and returns for the pending messages. */
async function returns(place: Place): Promise<void> {
  while (isRunning()) {
    await pause(500);
    const peer = await enters(place, "victim", "", ({ type, seq = 0 }, self) => {
      if (type !== "message") return;
      record("bombs that came");
      self.acks(seq);
    });
    await pause(1_000);
    peer.socket.close(1000);
  }
}

function each(count: number, work: (number: number) => Promise<void>): Promise<void>[] {
  return Array.from({ length: count }, (_, number) => work(number));
}

async function comesAndGoes(place: Place, name: string): Promise<void> {
  const peer = await Peer.enters(place, name);
  peer.socket.close(1000);
  await peer.ended;
}

async function prepare(place: Place, kind: Kind, names: number): Promise<void> {
  if (kind === "mail bomb") await comesAndGoes(place, "victim");
  // Names must exist first: an entry never concerns a name that was claimed after it.
  if (kind.startsWith("acks unread")) {
    const liars = each(LIARS, async (number) => {
      await comesAndGoes(place, `liar-${number}`);
      await comesAndGoes(place, `stays-${number}`);
    });
    await Promise.all([...liars, comesAndGoes(place, "spy")]);
  }
  if (kind.includes("read")) await writesPast(place);
  if (kind !== "names") return;
  let next = 0;
  await Promise.all(
    each(AT_ONCE, async () => {
      while (next < names) await comesAndGoes(place, `name-${next++}`);
    }),
  );
}

async function writesPast(place: Place): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const writer = await Peer.enters(place, "chronicler", "", ({ type, seq = 0 }, peer) => {
    if (type !== "message") return;
    peer.acks(seq);
    if (seq === PAST) resolve();
  });
  for (let number = 0; number < PAST; number++) {
    writer.says({ type: "send", id: `past ${number}`, text: "x".repeat(PAST_BYTES) });
  }
  await promise;
  writer.socket.close(1000);
}

serveTasks(async (task: Task): Promise<Counts> => {
  if (task.do === "prepare") await prepare(task.place, task.kind, task.names);
  else if (task.do === "begin") {
    running = true;
    round++;
    counts.clear();
    entering = [];
    works = NEIGHBORS[task.kind](task.place, task.count);
    // A neighbor that the room disconnects is not a failure of the measurement.
    for (const work of works) work.catch(() => record("disconnected"));
    await Promise.race([Promise.allSettled(entering), pause(ENTERING_MS)]);
  } else {
    running = false;
    await Promise.race([Promise.allSettled(works), pause(3_000)]);
    for (const peer of peers) peer.socket.terminate();
    peers = [];
  }
  return Object.fromEntries(counts);
});
