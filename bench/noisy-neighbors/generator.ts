/** The neighbours at work: a process of its own. Each kind is told to begin, goes on, and is told to end. */
import { setTimeout as pause } from "node:timers/promises";
import { obeys } from "../support/child.ts";
import { type Hears, Peer, type Place } from "../support/peer.ts";
import { ASKED_AT_ONCE, BOMB_BYTES, type Kind } from "./kinds.ts";

export type Order =
  /** What must be there before the rounds: a past to ask for, names to remember. */
  | { readonly do: "prepare"; readonly place: Place; readonly kind: Kind; readonly names: number }
  | { readonly do: "begin"; readonly place: Place; readonly kind: Kind; readonly count: number }
  | { readonly do: "end" };

/** How often each thing happened. */
export type Deeds = Readonly<Record<string, number>>;

/** A past of room-wide messages whose pages are as long as pages get. */
const PAST = 300;
const PAST_BYTES = 8_000;
/** The most that lie in any scenario. */
const LIARS = 100;
/** Names that come in at the same time, while a room is filled with them. */
const AT_ONCE = 50;
/** How long the coming in of all of them may take. */
const ENTERING_MS = 20_000;

const deeds = new Map<string, number>();
const did = (what: string, times = 1): void => void deeds.set(what, (deeds.get(what) ?? 0) + times);

let isOn = false;
const goesOn = (): boolean => isOn;
let round = 0;
let works: Promise<void>[] = [];
let peers: Peer[] = [];
/** Who is on the way in; a round begins when all of them are there. */
let entering: Promise<Peer>[] = [];

/** Comes in, and is gone when the round ends. */
async function enters(place: Place, name: string, query?: string, hears?: Hears): Promise<Peer> {
  const coming = Peer.enters(place, name, query, hears);
  entering.push(coming);
  const peer = await coming;
  peers.push(peer);
  return peer;
}

const NEIGHBOURS: Readonly<Record<Kind, (place: Place, count: number) => Promise<void>[]>> = {
  "never acks": (place, count) =>
    each(count, async (number) => {
      await enters(place, `mute-${number}`);
      did("joined");
    }),

  // It asks as much as its allowance gives: more would end its link, and cost less.
  "never reads, asks": (place, count) =>
    each(count, async (number) => {
      const peer = await enters(place, `deaf-${round}-${number}`);
      peer.socket.pause();
      const asks = (times: number): void => {
        for (let time = 0; time < times; time++)
          peer.says({ type: "history", id: "again", limit: 100 });
        did("questions", times);
      };
      asks(ASKED_AT_ONCE);
      while (goesOn()) {
        await pause(1_000);
        asks(5);
      }
    }),

  "acks unread": (place, count) => {
    let head = 0;
    // One of them reads, and tells the others how far to lie. It comes back to the beginning of all, as they do.
    const spy = enters(place, "spy", "&since=0", ({ seq = 0, head: told = 0 }) => {
      head = Math.max(head, seq, told);
    });
    return each(count, async (number) => {
      await spy;
      const name = `liar-${number}`;
      while (goesOn()) {
        // From the beginning, so that there is much to send: the past, again and again.
        const peer = new Peer(place, name, "&since=0");
        peers.push(peer);
        peer.socket.on("open", () => peer.socket.pause());
        for (let time = 0; time < 20 && goesOn(); time++) {
          await pause(50);
          peer.says({ type: "ack", seq: Math.max(1, Math.floor((head * time) / 20)) });
          did("lies");
        }
        peer.socket.terminate();
      }
    });
  },

  // It lies on one link for as long as it lasts, and comes back when it is ended.
  "acks unread, stays": (place, count) =>
    each(count, async (number) => {
      while (goesOn()) {
        const peer = new Peer(place, `stays-${number}`, "&since=0");
        peers.push(peer);
        peer.socket.on("open", () => peer.socket.pause());
        const ended = peer.ended.then(() => true);
        for (let seq = 30, isOver = false; goesOn() && !isOver; seq += 30) {
          isOver = await Promise.race([ended, pause(100).then(() => false)]);
          peer.says({ type: "ack", seq: Math.min(seq, PAST) });
          did("lies");
        }
      }
    }),

  "lines unread": (place, count) =>
    each(count, async (number) => {
      while (goesOn()) {
        const peer = new Peer(place, `line-${number}`, "", undefined, ["chat.line"]);
        peers.push(peer);
        peer.socket.on("open", () => peer.socket.pause());
        const ended = peer.ended.then(() => true);
        for (let isOver = false; goesOn() && !isOver;) {
          isOver = await Promise.race([ended, pause(250).then(() => false)]);
          if (peer.socket.readyState === peer.socket.OPEN) peer.socket.send("/history 100");
          did("questions");
        }
      }
    }),

  flood: (place, count) =>
    each(count, async (number) => {
      while (goesOn()) {
        const peer = new Peer(place, `flood-${number}`);
        peers.push(peer);
        peer.socket.on("open", () => {
          for (let time = 0; time < 1_000; time++) {
            peer.says({ type: "send", id: `${round}-${time}`, text: `flood ${"x".repeat(50)}` });
          }
        });
        const code = await Promise.race([peer.ended, pause(2_000)]);
        did(code === 4103 ? "closed with 4103" : "other ends");
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
      while (goesOn()) {
        await pause(100);
        for (let time = 0; time < 4; time++) {
          peer.says({ type: "send", id: `${round}-${time}`, text, to: ["victim"] });
          did("bombs");
        }
      }
    });
    return [...bombers, returns(place)];
  },

  // Who is new makes the room forget somebody.
  names: (place) =>
    each(10, async (number) => {
      for (let turn = 0; goesOn(); turn++) {
        // Who has messages waiting is not forgotten: a room that is full of them takes nobody new.
        const name = `new-${round}-${number}-${turn}`;
        await comesAndGoes(place, name).then(
          () => did("new names"),
          () => did("turned away"),
        );
      }
    }),
};

/** Away for half a second at a time, and back for all that waits. */
async function returns(place: Place): Promise<void> {
  while (goesOn()) {
    await pause(500);
    const peer = await enters(place, "victim", "", ({ type, seq = 0 }, self) => {
      if (type !== "message") return;
      did("bombs that came");
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
  // What was written before a name was claimed does not concern it.
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

obeys(async (order: Order): Promise<Deeds> => {
  if (order.do === "prepare") await prepare(order.place, order.kind, order.names);
  else if (order.do === "begin") {
    isOn = true;
    round++;
    deeds.clear();
    entering = [];
    works = NEIGHBOURS[order.kind](order.place, order.count);
    // A neighbour who is put out is no failure of the measurement.
    for (const work of works) work.catch(() => did("put out"));
    await Promise.race([Promise.allSettled(entering), pause(ENTERING_MS)]);
  } else {
    isOn = false;
    await Promise.race([Promise.allSettled(works), pause(3_000)]);
    for (const peer of peers) peer.socket.terminate();
    peers = [];
  }
  return Object.fromEntries(deeds);
});
