/** PROTOCOL sections 2 and 4, the client's half: when a link is opened, given up, left, or come back to. */
import { describe, expect, test } from "vitest";
import {
  type ConnectionAction,
  backoffMs,
  begin,
  dueAt,
  type ConnectionState,
  type ConnectionEvent,
  type Step,
  step,
} from "../../../src/client/connection-state.ts";

const T0 = 1_000_000;
const ALMOST_ONE = 0.999_999;
const FOREVER = 10 ** 9;

const at = (now: number, random = 0) => ({ now, random });

const ended = (
  code: number,
  { spread = 0, freshKey = false, reason = "" } = {},
): Extract<ConnectionEvent, { type: "ended" }> => ({
  type: "ended",
  code,
  reason,
  spread,
  freshKey,
});

/** Signals one after another, each with its ms after T0. */
function play(
  start: ConnectionState,
  ...signals: readonly (readonly [number, ConnectionEvent, number?])[]
): Step {
  let link = start;
  const actions: ConnectionAction[] = [];
  for (const [ms, signal, random = 0] of signals) {
    const next = step(link, signal, at(T0 + ms, random));
    link = next.link;
    actions.push(...next.actions);
  }
  return { link, actions };
}

const connecting = (tries = 0): ConnectionState => ({
  type: "connecting",
  tries,
  openBy: T0 + 15_000,
});
const opened = (tries = 0): ConnectionState =>
  play(connecting(tries), [0, { type: "opened" }]).link;
/** Ready at T0, and its first ping answered. */
const live = (tries = 0): ConnectionState =>
  play(
    opened(tries),
    [0, { type: "welcomed", since: 0, head: 7 }],
    [0, { type: "ready" }],
    [0, { type: "pong" }],
  ).link;
const offline = (retryAt: number, tries = 1): ConnectionState => ({
  type: "offline",
  tries,
  retryAt,
  why: "the connection broke",
});

/** How long after T0 + `ms` the next try comes; undefined if never. */
function backIn(
  link: ConnectionState,
  ms: number,
  signal: ConnectionEvent,
  random = 0,
): number | undefined {
  const { link: next } = step(link, signal, at(T0 + ms, random));
  return next.type === "offline" ? next.retryAt - T0 - ms : undefined;
}

describe("connecting", () => {
  test("begins at once", () => {
    expect(begin(T0)).toEqual({ link: connecting(), actions: ["connect"] });
  });

  test("an open link is pinged at once, and is replaying until it is ready", () => {
    const { link, actions } = play(connecting(), [5, { type: "opened" }]);
    expect(actions).toEqual(["ping"]);
    expect(link).toMatchObject({ type: "replaying", head: 0 });
    expect(play(link, [6, { type: "welcomed", since: 0, head: 7 }]).link).toMatchObject({
      type: "replaying",
      head: 7,
    });
    expect(play(link, [6, { type: "ready" }]).link).toMatchObject({ type: "live", since: T0 + 6 });
  });

  test("only the first ready of a link makes it live", () => {
    const { link } = play(live(), [9_000, { type: "ready" }]);
    expect(link).toMatchObject({ type: "live", since: T0 });
  });

  test("a handshake may take 15 s", () => {
    expect(play(connecting(), [14_999, { type: "tick" }])).toEqual({
      link: connecting(),
      actions: [],
    });
    const { link, actions } = play(connecting(), [15_000, { type: "tick" }]);
    expect(link.type).toBe("offline");
    expect(actions).toEqual(["drop"]);
  });

  test("signals of a link that is not there change nothing", () => {
    const late: readonly ConnectionEvent[] = [
      { type: "opened" },
      { type: "welcomed", since: 0, head: 1 },
      { type: "ready" },
      { type: "heard" },
      { type: "pong" },
      { type: "sent" },
      ended(1006),
    ];
    for (const signal of late) {
      const link = offline(T0 + 1_000);
      expect(step(link, signal, at(T0))).toEqual({ link, actions: [] });
    }
  });
});

describe("the meaning of a close code (section 4)", () => {
  const FINAL = [4000, 4001, 4003, 4004, 4005, 4099, 1003, 1007, 1009];
  test.each(FINAL)("%i is final, whatever the state, and never tried again", (code) => {
    for (const link of [connecting(), opened(), live(), live(5)]) {
      const { link: next, actions } = step(link, ended(code, { freshKey: true }), at(T0));
      expect(next).toMatchObject({ type: "closed", code });
      expect(actions).toEqual(["drop"]);
      expect(dueAt(next, {})).toBeUndefined();
      for (const signal of [{ type: "awake" }, { type: "tick" }, ended(1006)] as const) {
        expect(step(next, signal, at(T0 + FOREVER))).toEqual({ link: next, actions: [] });
      }
    }
  });

  test("R1: a takeover is never fought, though the page wakes and keys are fresh", () => {
    const { link, actions } = play(
      live(),
      [1, ended(4001, { freshKey: true, spread: 5, reason: "replaced" })],
      [2, { type: "awake" }],
      [FOREVER, { type: "tick" }],
    );
    expect(link).toEqual({ type: "closed", code: 4001, why: "replaced" });
    expect(actions).toEqual(["drop"]);
  });

  test.each([4100, 4102, 4103, 4199])("%i: back with full jitter, without a spread", (code) => {
    const signal = ended(code, { spread: 30_000 });
    expect(backIn(live(), 0, signal, 0)).toBe(0);
    expect(backIn(live(), 0, signal, ALMOST_ONE)).toBeCloseTo(250, 1);
    expect(backIn(live(3), 0, signal, ALMOST_ONE)).toBeCloseTo(2_000, 1);
    expect(backIn(live(60), 0, signal, ALMOST_ONE)).toBeCloseTo(30_000, 0);
  });

  test.each([4200, 4201, 4299])("%i: back at once, but not in a circle", (code) => {
    const signal = ended(code, { spread: 30_000 });
    expect(backIn(live(), 0, signal, ALMOST_ONE)).toBe(0);
    expect(backIn(live(1), 0, signal, ALMOST_ONE)).toBe(0);
    expect(backIn(live(2), 0, signal, ALMOST_ONE)).toBeCloseTo(1_000, 1);
  });

  test.each([1000, 1001, 1005, 1006, 1011, 1012, 1013, 3000, 4300, 4999])(
    "%i: the first try scattered over `spread`, later ones with full jitter",
    (code) => {
      const signal = ended(code, { spread: 8_000 });
      expect(backIn(live(), 0, signal, 0)).toBe(0);
      expect(backIn(live(), 0, signal, 0.5)).toBe(4_000);
      expect(backIn(live(), 0, signal, ALMOST_ONE)).toBeCloseTo(8_000, 1);
      expect(backIn(live(1), 0, signal, ALMOST_ONE)).toBeCloseTo(500, 1);
    },
  );

  test("the state shows the reason of the room; without one, a sentence", () => {
    expect(step(live(), ended(4102, { reason: "storage trouble" }), at(T0)).link).toMatchObject({
      why: "storage trouble",
    });
    for (const code of [1001, 1006, 1012, 4100, 4005]) {
      const { link } = step(live(), ended(code), at(T0));
      expect("why" in link && link.why).toMatch(/^the [a-z ]+( \(\d+\))?$/);
    }
  });
});

describe("4104, the key has expired", () => {
  const fresh = ended(4104, { freshKey: true, spread: 8_000 });

  test("without a fresh key it is final", () => {
    expect(step(live(), ended(4104), at(T0)).link).toMatchObject({ type: "closed", code: 4104 });
  });

  test("with a fresh key: back at once, and final if that one has expired too", () => {
    const { link } = play(live(), [FOREVER, fresh, ALMOST_ONE]);
    expect(link).toMatchObject({ type: "offline", retryAt: T0 + FOREVER });
    const again = play(
      link,
      [FOREVER, { type: "tick" }],
      [FOREVER + 1, { type: "opened" }],
      [FOREVER + 2, fresh],
    );
    expect(again.link).toMatchObject({ type: "closed", code: 4104 });
  });

  test("once means one 4104 after another: a link that broke a moment before does not count", () => {
    const { link } = play(
      live(),
      [FOREVER, ended(1012)],
      [FOREVER, { type: "tick" }],
      [FOREVER + 100, { type: "opened" }],
      [FOREVER + 200, { type: "welcomed", since: 0, head: 0 }],
      [FOREVER + 200, { type: "ready" }],
      [FOREVER + 3_000, fresh],
    );
    expect(link.type).toBe("offline");
  });

  test("a day later the next key may expire as well", () => {
    const day = 86_400_000;
    const { link } = play(
      live(),
      [FOREVER, fresh],
      [FOREVER, { type: "tick" }],
      [FOREVER + 1, { type: "opened" }],
      [FOREVER + 2, { type: "ready" }],
      [FOREVER + day, fresh],
    );
    expect(link.type).toBe("offline");
  });

  test("a room that accepts each key and ends each connection at once is not retried in a circle", () => {
    let link = live();
    for (let i = 0; i < 5; i++) {
      link = play(link, [0, fresh, ALMOST_ONE]).link;
      if (link.type !== "offline") return;
      const again = [
        [0, { type: "awake" }],
        [0, { type: "opened" }],
        [0, { type: "ready" }],
      ] as const;
      if (i < 4) link = play(link, ...again).link;
    }
    expect(dueAt(link, {})).toBeGreaterThan(T0);
  });
});

describe("backing off", () => {
  test.each([
    [1, 250],
    [2, 500],
    [3, 1_000],
    [7, 16_000],
    [8, 30_000],
    [9, 30_000],
    [1_000_000, 30_000],
  ])("try %i waits between 0 and %i ms: the cap is inside the jitter", (tries, ceiling) => {
    expect(backoffMs(tries, 0)).toBe(0);
    expect(backoffMs(tries, 0.5)).toBe(ceiling / 2);
    expect(backoffMs(tries, ALMOST_ONE)).toBeLessThan(ceiling);
    expect(backoffMs(tries, ALMOST_ONE)).toBeGreaterThan(ceiling * 0.999);
  });

  test("tries rise through handshakes that fail and links that die young", () => {
    let link: ConnectionState = connecting();
    const ceilings: number[] = [];
    let now = T0;
    for (let i = 0; i < 4; i++) {
      const gone = step(link, ended(1006, { spread: 0 }), at(now, ALMOST_ONE)).link;
      if (gone.type !== "offline") throw new Error(`it is ${gone.type}`);
      ceilings.push(Math.round(gone.retryAt - now));
      now = gone.retryAt;
      link = step(gone, { type: "tick" }, at(now)).link;
      link = step(link, { type: "opened" }, at(now)).link;
      link = step(link, { type: "ready" }, at(now)).link;
      now += 9_999;
    }
    expect(ceilings).toEqual([0, 500, 1_000, 2_000]);
  });

  test("10 s of being live clear the tries, and the spread is due again", () => {
    const signal = ended(1006, { spread: 8_000 });
    expect(backIn(live(5), 9_999, signal, ALMOST_ONE)).toBeCloseTo(8_000, 0);
    expect(backIn(live(4), 9_999, signal, ALMOST_ONE)).toBeCloseTo(4_000, 0);
    expect(backIn(live(4), 10_000, signal, 0.5)).toBe(4_000);
  });

  test("time in the replay is not stability", () => {
    const replaying = play(opened(4), [0, { type: "welcomed", since: 0, head: 9 }]).link;
    expect(backIn(replaying, 20_000, ended(1006, { spread: 100 }), ALMOST_ONE)).toBeGreaterThan(
      3_900,
    );
  });

  test("comes back when it is time, not before", () => {
    const link = offline(T0 + 500, 3);
    expect(dueAt(link, {})).toBe(T0 + 500);
    expect(play(link, [499, { type: "tick" }])).toEqual({ link, actions: [] });
    const back = play(link, [500, { type: "tick" }]);
    expect(back.actions).toEqual(["connect"]);
    expect(back.link).toMatchObject({ type: "connecting", tries: 3 });
  });
});

describe("ping and pong", () => {
  test("a ping every 30 s, each answered or the link is dead after 10 s", () => {
    const { link, actions } = play(live(), [29_999, { type: "tick" }], [30_000, { type: "tick" }]);
    expect(actions).toEqual(["ping"]);
    expect(dueAt(link, {})).toBe(T0 + 40_000);
    expect(play(link, [39_999, { type: "tick" }]).actions).toEqual([]);
    const dead = play(link, [40_000, { type: "tick" }]);
    expect(dead.actions).toEqual(["drop"]);
    expect(dead.link).toMatchObject({ type: "offline", retryAt: T0 + 40_000 });
    const good = play(link, [39_999, { type: "pong" }]).link;
    expect(dueAt(good, {})).toBe(T0 + 60_000);
    expect(play(good, [41_000, { type: "tick" }]).actions).toEqual([]);
  });

  test("the first ping, on open, has 10 s as well", () => {
    expect(dueAt(opened(), {})).toBe(T0 + 10_000);
    expect(play(opened(), [10_000, { type: "tick" }]).actions).toEqual(["drop"]);
  });

  test("after a wake an open link has 3 s to answer", () => {
    for (const link of [opened(), live()]) {
      const awake = play(link, [5_000, { type: "awake" }]);
      expect(awake.actions).toEqual(["ping"]);
      expect(dueAt(awake.link, {})).toBe(T0 + 8_000);
      expect(play(awake.link, [8_000, { type: "tick" }]).actions).toEqual(["drop"]);
      expect(
        play(awake.link, [7_999, { type: "pong" }], [8_000, { type: "tick" }]).actions,
      ).toEqual([]);
    }
  });

  test("a network that is reported as lost: the client checks with a ping, and the state says so until the answer", () => {
    const doubted = play(live(), [5_000, { type: "doubted" }]);
    expect(doubted.actions).toEqual(["ping"]);
    expect(doubted.link).toMatchObject({ type: "live", checking: true });
    expect(dueAt(doubted.link, {})).toBe(T0 + 8_000);
    expect(play(doubted.link, [8_000, { type: "tick" }]).link.type).toBe("offline");
    const answered = play(doubted.link, [7_999, { type: "pong" }]).link;
    expect(answered).not.toHaveProperty("checking");
    expect(play(answered, [8_000, { type: "tick" }]).actions).toEqual([]);
  });

  test("a network that is reported as lost changes nothing without a connection", () => {
    for (const link of [connecting(), offline(T0 + 9), { type: "paused", tries: 0 } as const]) {
      expect(step(link, { type: "doubted" }, at(T0))).toEqual({ link, actions: [] });
    }
  });

  test("a wake does not wait for the backoff", () => {
    const { link, actions } = play(offline(T0 + 30_000, 7), [1, { type: "awake" }]);
    expect(actions).toEqual(["connect"]);
    expect(link).toMatchObject({ type: "connecting", tries: 7 });
  });

  test("deadlines are timestamps: a tick that comes an hour late finds what is due", () => {
    const hour = 3_600_000;
    expect(play(offline(T0 + 10), [hour, { type: "tick" }]).actions).toEqual(["connect"]);
    expect(play(live(), [hour, { type: "tick" }]).actions).toEqual(["ping"]);
    expect(play(connecting(), [hour, { type: "tick" }]).actions).toEqual(["drop"]);
  });
});

describe("the watchdog", () => {
  const waits = (oldestSentAt: number): ConnectionEvent => ({ type: "tick", oldestSentAt });
  /** Pings are answered every 5 s, up to `ms`. */
  const ponged = (
    start: ConnectionState,
    ms: number,
    tick: ConnectionEvent = { type: "tick" },
  ): Step => {
    let link = start;
    for (let now = 5_000; now < ms; now += 5_000) {
      ({ link } = play(link, [now, { type: "pong" }], [now, tick], [now, { type: "pong" }]));
    }
    return play(link, [ms, tick]);
  };

  test("no entry, gap, ready or error for 30 s before ready: pongs do not count", () => {
    expect(ponged(opened(), 29_999).link.type).toBe("replaying");
    const { link } = ponged(opened(), 30_000);
    expect(link).toMatchObject({ type: "offline", why: "the room is silent" });
  });

  test("a frame of the replay counts", () => {
    const heard = play(ponged(opened(), 29_000).link, [29_000, { type: "heard" }]).link;
    expect(play(heard, [58_999, { type: "pong" }], [58_999, { type: "tick" }]).link.type).toBe(
      "replaying",
    );
  });

  test("while a confirmation is awaited, 30 s of silence end the link", () => {
    const sent = play(live(), [0, { type: "sent" }]).link;
    expect(ponged(sent, 29_999, waits(T0)).link.type).toBe("live");
    expect(ponged(sent, 30_000, waits(T0)).link.type).toBe("offline");
  });

  test("silence before the message went out does not count", () => {
    const quiet = ponged(live(), 600_000).link;
    expect(quiet.type).toBe("live");
    const sent = play(quiet, [600_000, { type: "sent" }], [600_000, { type: "pong" }]).link;
    expect(dueAt(sent, { oldestSentAt: T0 + 600_000 })).toBe(T0 + 630_000);
  });

  test("a room where nothing happens may be silent for ever", () => {
    expect(ponged(live(), 1_000_000).link.type).toBe("live");
  });

  test("no confirmation of the oldest message for five minutes ends a link however lively", () => {
    let link = play(live(), [0, { type: "sent" }]).link;
    for (let now = 5_000; now < 300_000; now += 5_000) {
      ({ link } = play(link, [now, { type: "heard" }], [now, waits(T0)], [now, { type: "pong" }]));
    }
    expect(link.type).toBe("live");
    expect(play(link, [299_999, waits(T0)]).link.type).toBe("live");
    expect(play(link, [300_000, waits(T0)]).link.type).toBe("offline");
  });
});

describe("when the next tick is due", () => {
  test.each<[string, ConnectionState, number | undefined, number | undefined]>([
    ["connecting: when the handshake has taken too long", connecting(), undefined, 15_000],
    ["replaying: when the first pong is overdue", opened(), undefined, 10_000],
    [
      "replaying, ping answered: at the silence, which is also the next ping",
      play(opened(), [0, { type: "pong" }]).link,
      undefined,
      30_000,
    ],
    ["live and quiet: at the next ping", live(), undefined, 30_000],
    ["live, waiting since T0: at the silence", live(), T0, 30_000],
    [
      "live and lively, waiting: at five minutes",
      play(
        live(),
        [280_000, { type: "heard" }],
        [280_000, { type: "tick" }],
        [280_000, { type: "pong" }],
      ).link,
      T0,
      300_000,
    ],
    ["offline: when it comes back", offline(T0 + 77), undefined, 77],
    ["closed: never", { type: "closed", code: 1000, why: "" }, undefined, undefined],
  ])("%s", (_case, link, oldestSentAt, expected) => {
    const waits = oldestSentAt === undefined ? {} : { oldestSentAt };
    expect(dueAt(link, waits)).toBe(expected === undefined ? undefined : T0 + expected);
  });

  test("a tick at the time that was named always changes something: the client cannot spin", () => {
    const links = [connecting(), opened(), live(), offline(T0 + 9), offline(T0)];
    for (const link of links) {
      for (const oldestSentAt of [undefined, T0]) {
        const waits = oldestSentAt === undefined ? {} : { oldestSentAt };
        const due = dueAt(link, waits);
        if (due === undefined) throw new Error(`${link.type} is never due`);
        const next = step(link, { type: "tick", ...waits }, at(due)).link;
        expect(next).not.toEqual(link);
        expect(dueAt(next, waits) ?? Infinity).toBeGreaterThanOrEqual(due);
      }
    }
  });
});

describe("closing", () => {
  test("works from every state, once, and only drops the connection", () => {
    for (const link of [connecting(), opened(), live(), offline(T0)]) {
      const { link: closed, actions } = step(
        link,
        { type: "close", code: 1000, why: "closed by this client" },
        at(T0),
      );
      expect(closed).toEqual({ type: "closed", code: 1000, why: "closed by this client" });
      expect(actions).toEqual(["drop"]);
      expect(step(closed, { type: "close", code: 1, why: "" }, at(T0)).link).toBe(closed);
    }
  });

  test("a connection that is given up is dropped at once, not when its close event comes", () => {
    const given = play(live(), [30_000, { type: "tick" }], [40_000, { type: "tick" }]);
    expect(given.actions).toEqual(["ping", "drop"]);
    const late = step(given.link, ended(4001), at(T0 + 40_001));
    expect(late).toEqual({ link: given.link, actions: [] });
  });
});

describe("pause", () => {
  test.each<[string, ConnectionState, ConnectionAction[]]>([
    ["connecting", connecting(2), ["drop"]],
    ["replaying", opened(2), ["drop"]],
    ["live", live(2), ["drop"]],
    ["offline", offline(T0 + 500, 2), ["drop"]],
  ])(
    "while %s: the link is let go of, and nothing but `resume` brings it back",
    (_case, link, actions) => {
      const paused = play(link, [1, { type: "pause" }]);
      expect(paused).toEqual({ link: { type: "paused", tries: 2 }, actions });
      expect(dueAt(paused.link, { oldestSentAt: T0 })).toBeUndefined();
      const still = play(
        paused.link,
        [FOREVER, { type: "tick", oldestSentAt: T0 }],
        [FOREVER, { type: "awake" }],
        [FOREVER, ended(4001)],
        [FOREVER, { type: "opened" }],
        [FOREVER, { type: "ready" }],
      );
      expect(still).toEqual({ link: paused.link, actions: [] });
      const back = play(paused.link, [FOREVER, { type: "resume" }]);
      expect(back.actions).toEqual(["connect"]);
      expect(back.link).toMatchObject({ type: "connecting", tries: 2 });
    },
  );

  test("`resume` does not wait for the next try, and leaves a link that is there alone", () => {
    const away = offline(T0 + 30_000, 9);
    expect(play(away, [1, { type: "resume" }]).actions).toEqual(["connect"]);
    expect(play(live(), [1, { type: "resume" }])).toEqual({ link: live(), actions: [] });
  });

  test("a paused client can close for good", () => {
    const paused = play(live(), [1, { type: "pause" }]).link;
    const left = play(paused, [2, { type: "close", code: 1000, why: "bye" }]);
    expect(left.link).toEqual({ type: "closed", code: 1000, why: "bye" });
    expect(play(left.link, [3, { type: "resume" }]).actions).toEqual([]);
  });
});
