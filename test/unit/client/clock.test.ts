/** The client on a device whose clock is set, and which sleeps: durations are counted on a clock that nobody sets. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Clock } from "../../../src/client/clock.ts";
import { ChatClient, type ClientState, memoryStorage } from "../../../src/client/index.ts";

const HOUR = 3_600_000;

/** A room that can be silenced, behind the sockets that a client makes. */
class Socket extends EventTarget {
  static made: Socket[] = [];
  static isReachable = true;
  static answers = true;
  readonly url: string;
  readyState = 0;
  readonly sent: string[] = [];
  /** The code that the client closed it with. */
  code: number | undefined;

  constructor(url: string) {
    super();
    this.url = url;
    Socket.made.push(this);
    setTimeout(() => (Socket.isReachable ? this.opens() : this.ends(1006)), 1);
  }
  static get last(): Socket {
    const last = Socket.made.at(-1);
    if (last === undefined) throw new Error("no socket was made");
    return last;
  }
  opens(): void {
    this.readyState = 1;
    this.dispatchEvent(new Event("open"));
    const limits = { text: 8_192, frame: 65_536, recipients: 64, rate: 50, burst: 500, spread: 0 };
    const welcome = {
      type: "welcome",
      epoch: "e",
      since: 0,
      head: 0,
      online: 1,
      peers: [],
      limits,
    };
    this.says(JSON.stringify([welcome, { type: "ready", seq: 0 }]));
  }
  says(data: string): void {
    this.dispatchEvent(Object.assign(new Event("message"), { data }));
  }
  send(frame: string): void {
    this.sent.push(frame);
    if (frame === "ping" && Socket.answers) setTimeout(() => this.says("pong"), 1);
  }
  close(code?: number): void {
    this.code = code;
    this.readyState = 3;
  }
  ends(code: number): void {
    this.readyState = 3;
    this.dispatchEvent(Object.assign(new Event("close"), { code, reason: "" }));
  }
}

const passes = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
/** The wall clock alone: what NTP and a user do, and what sleep looks like where the other clock stops. */
const isSet = (by: number): void => void vi.setSystemTime(Date.now() + by);

const made: ChatClient[] = [];
function joins(): { client: ChatClient; states: ClientState[] } {
  const client = new ChatClient({
    url: "ws://room",
    room: "lobby",
    name: "alice",
    storage: memoryStorage(),
  });
  const states: ClientState[] = [];
  client.on("state", (state) => states.push(state));
  made.push(client);
  return { client, states };
}

beforeEach(() => {
  Object.assign(Socket, { made: [], isReachable: true, answers: true });
  vi.useFakeTimers({ toFake: ["Date", "performance", "setTimeout", "clearTimeout"] });
  vi.stubGlobal("WebSocket", Socket);
  vi.spyOn(Math, "random").mockReturnValue(0.999);
});
afterEach(async () => {
  const closing = made.splice(0).map((client) => client.close());
  await passes(6_000);
  await Promise.all(closing);
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe("a wall clock that is set back an hour", () => {
  test("does not postpone the next try", async () => {
    Socket.isReachable = false;
    const { client } = joins();
    await passes(3_000);
    expect(client.state.type).toBe("offline");
    isSet(-HOUR);
    Socket.isReachable = true;
    await passes(5_000);
    expect(client.state.type).toBe("live");
  });

  test("does not show people a wait of an hour: state and event", async () => {
    Socket.isReachable = false;
    const { client, states } = joins();
    await passes(70_000);
    isSet(-HOUR);
    const { state } = client;
    if (state.type !== "offline") throw new Error(state.type);
    expect(state.retryAt - Date.now()).toBeLessThanOrEqual(30_000);
    await passes(5_000);
    const offline = states.findLast((told) => told.type === "offline");
    expect((offline?.retryAt ?? Infinity) - Date.now()).toBeLessThanOrEqual(30_000);
  });

  test("does not keep a dead link live", async () => {
    const { client } = joins();
    await passes(20_000);
    Socket.answers = false;
    Socket.isReachable = false;
    isSet(-HOUR);
    await passes(42_000);
    expect(client.state.type).not.toBe("live");
  });

  test("does not stop an unconfirmed connection from being given up", async () => {
    const { client } = joins();
    await passes(1_000);
    void client.send("hi");
    await passes(1_000);
    isSet(-HOUR);
    await passes(31_000);
    expect(Socket.made.length).toBeGreaterThan(1);
  });

  test("does not hold `close` up for longer than 5 s", async () => {
    const { client } = joins();
    await passes(1_000);
    void client.send("hi");
    await passes(100);
    let isClosed = false;
    void client.close().then(() => (isClosed = true));
    await passes(100);
    isSet(-HOUR);
    await passes(5_000);
    expect(isClosed).toBe(true);
  });

  test("does not lower `attempt`", async () => {
    joins();
    await passes(1_000);
    isSet(-HOUR);
    Socket.last.ends(1006);
    await passes(2_000);
    const attempts = Socket.made.map(({ url }) => Number(new URL(url).searchParams.get("attempt")));
    expect(attempts).toHaveLength(2);
    expect(attempts[1]).toBeGreaterThan(attempts[0] ?? Infinity);
  });

  test("withholds no message that the room's rate allows", async () => {
    const { client } = joins();
    await passes(1_000);
    for (let i = 0; i < 600; i++) void client.send(`${i}`);
    await passes(100);
    const count = (): number => Socket.last.sent.join().split('"type":"send"').length - 1;
    const before = count();
    expect(before).toBeLessThan(600);
    isSet(-HOUR);
    await passes(2_000);
    expect(count()).toBeGreaterThanOrEqual(before + 90);
  });
});

describe("a wall clock that goes an hour forward", () => {
  test("as it does in sleep: a link that is dead is found within 8 s", async () => {
    const { client } = joins();
    await passes(10_000);
    Socket.answers = false;
    Socket.isReachable = false;
    isSet(HOUR);
    await passes(8_100);
    expect(client.state.type).not.toBe("live");
  });

  test("as it does in sleep: the next try is made at once", async () => {
    Socket.isReachable = false;
    const { client } = joins();
    await passes(70_000);
    isSet(HOUR);
    Socket.isReachable = true;
    await passes(5_100);
    expect(client.state.type).toBe("live");
  });

  test("ends no connection that answers", async () => {
    const { client } = joins();
    await passes(1_000);
    void client.send("hi");
    await passes(100);
    isSet(HOUR);
    await passes(20_000);
    expect([client.state, Socket.made.length]).toEqual([{ type: "live" }, 1]);
  });

  test("spends no allowance that the room does not give", async () => {
    const { client } = joins();
    await passes(1_000);
    for (let i = 0; i < 1_000; i++) void client.send(`${i}`);
    await passes(100);
    isSet(HOUR);
    await passes(1_000);
    const sent = Socket.last.sent.join().split('"type":"send"').length - 1;
    expect(sent).toBeLessThan(500 + 2 * 50);
  });
});

describe("the protocol's close codes of a connection", () => {
  test("one that is given up is closed with 4201, one that is left with 1000", async () => {
    const { client } = joins();
    await passes(1_000);
    Socket.answers = false;
    await passes(40_000);
    expect(Socket.made[0]?.code).toBe(4201);
    Socket.answers = true;
    await passes(20_000);
    const closing = client.close();
    await passes(10);
    await closing;
    expect(Socket.last.code).toBe(1000);
  });

  test("`attempt` is ms since 1970", async () => {
    const begin = Date.now();
    joins();
    await passes(10);
    const attempt = Number(new URL(Socket.last.url).searchParams.get("attempt"));
    expect(attempt - begin).toBeGreaterThanOrEqual(0);
    // Attempts rise over the whole process, and the tests before this one were hours ahead.
    expect(attempt - begin).toBeLessThan(24 * HOUR);
  });
});

describe("two clocks", () => {
  const clocks = (): { clock: Clock; time: { wall: number; steady: number } } => {
    const time = { wall: 1_000_000, steady: 5_000 };
    return { clock: new Clock({ wall: () => time.wall, steady: () => time.steady }), time };
  };

  test.each<[string, number, number, number]>([
    ["time goes by", 60_000, 60_000, 0],
    ["they drift", 60_300, 60_000, 0],
    ["the device sleeps", HOUR + 10, 10, HOUR],
    ["the wall clock is set back", 10 - HOUR, 10, -HOUR],
  ])("%s", (_what, wall, steady, jump) => {
    const { clock, time } = clocks();
    const before = clock.now();
    time.wall += wall;
    time.steady += steady;
    expect(clock.now() - before).toBe(steady);
    expect(clock.jump()).toBe(jump);
    expect(clock.jump()).toBe(0);
    expect(clock.toWall(clock.now() + 7)).toBe(time.wall + 7);
  });
});
