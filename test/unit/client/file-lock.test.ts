/** The lock of a file: among clients, processes, containers and hosts. Real processes are in `test/e2e/file-lock.test.ts`. */
import { type ChildProcess, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import {
  ownIdentity,
  type ProcessIdentity,
} from "../../../src/client/storage/file/file-identity.ts";
import {
  FileLock,
  HeldError,
  LostError,
  RENEW_MS,
  STALE_MS,
} from "../../../src/client/storage/file/file-lock.ts";

let folder = "";
let count = 0;
const newLock = (): string => join(folder, `client-${++count}.json.lock`);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "file-lock-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => {
  vi.useFakeTimers({
    toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"],
  });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Two containers of one image: every number is the same, and neither sees the processes of the other. */
const container = (name: string): ProcessIdentity => ({
  pid: 1,
  started: "17",
  place: name,
  host: `host-${name}`,
});

/** Takes a lock, while time passes. */
async function taking(lock: FileLock, atMostMs = 2 * STALE_MS): Promise<number> {
  const began = performance.now();
  const taken = lock.take();
  const outcome = taken.then(
    () => true,
    () => true,
  );
  const isOver = (): Promise<boolean> =>
    Promise.race([
      outcome,
      Promise.resolve()
        .then(() => Promise.resolve(false))
        .then((is) => is),
    ]);
  let ms = 0;
  for (; ms < atMostMs && !(await isOver()); ms += 20) await vi.advanceTimersByTimeAsync(20);
  expect(ms, "decided in time").toBeLessThan(atMostMs);
  await taken;
  return performance.now() - began;
}

/** The claim of a process that was killed: nobody renews it. */
function leftBehind(lock: string, identity: ProcessIdentity, stage = "owns  "): string {
  mkdirSync(lock, { recursive: true });
  const name = String(++count).padStart(24, "0");
  writeFileSync(join(lock, name), `${JSON.stringify(identity)}\n${stage} 000000000000002\n`);
  return name;
}

async function living(work: (process: ChildProcess) => Promise<void>): Promise<void> {
  const other = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  try {
    await new Promise((resolve) => other.once("spawn", resolve));
    await work(other);
  } finally {
    other.kill("SIGKILL");
    await new Promise((resolve) => other.once("exit", resolve));
  }
}

describe("a lock", () => {
  test("is taken at once, refused to a second client of this process, and free again after it", async () => {
    const at = newLock();
    const [first, second] = [new FileLock(at), new FileLock(at)];
    expect(await taking(first)).toBe(0);
    await expect(taking(second)).rejects.toThrow(HeldError);
    await expect(taking(second)).rejects.toThrow("another client of this process");
    second.release();
    expect(first.isOwned(), "who was refused takes nothing away").toBe(true);
    first.release();
    expect(existsSync(at)).toBe(false);
    expect(await taking(second)).toBe(0);
    second.release();
  });

  test("has one owner among many that come at once", async () => {
    const at = newLock();
    const locks = Array.from({ length: 20 }, () => new FileLock(at));
    const outcomes = Promise.allSettled(locks.map((lock) => lock.take()));
    await vi.advanceTimersByTimeAsync(STALE_MS);
    const taken = (await outcomes).filter(({ status }) => status === "fulfilled");
    expect(taken).toHaveLength(1);
    for (const lock of locks) lock.release();
    expect(existsSync(at)).toBe(false);
  });

  test("is renewed as long as it is held, and not longer", async () => {
    const at = newLock();
    const lock = new FileLock(at);
    await taking(lock);
    const [name = ""] = readdirSync(at);
    const before = readFileSync(join(at, name), "utf8");
    await vi.advanceTimersByTimeAsync(RENEW_MS);
    const after = readFileSync(join(at, name), "utf8");
    expect(after).not.toBe(before);
    expect(after).toHaveLength(before.length);
    lock.release();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("an owner of the same machine", () => {
  test("that ended is replaced at once, and its leftovers go with it", async () => {
    const at = newLock();
    const dead = leftBehind(at, { ...ownIdentity(), pid: 2_147_483_646 });
    writeFileSync(join(at, `${dead}.new`), "half a rec");
    const lock = new FileLock(at);
    expect(await taking(lock)).toBe(0);
    expect(readdirSync(at)).toHaveLength(1);
    lock.release();
    expect(existsSync(at)).toBe(false);
  });

  test("that lives keeps it, for as long as it is suspended, and is named", async () => {
    const at = newLock();
    await living(async (other) => {
      const stat = readFileSync(`/proc/${other.pid}/stat`, "utf8");
      const started = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
      leftBehind(at, { ...ownIdentity(), pid: other.pid ?? 0, started });
      const lock = new FileLock(at);
      await expect(taking(lock)).rejects.toThrow(`process ${other.pid}`);
      await vi.advanceTimersByTimeAsync(2 * STALE_MS);
      await expect(taking(lock)).rejects.toThrow(HeldError);
      expect(readdirSync(at)).toHaveLength(1);
    });
  });

  test("whose number another process has now is replaced at once", async () => {
    const at = newLock();
    await living(async (other) => {
      leftBehind(at, { ...ownIdentity(), pid: other.pid ?? 0, started: "1" });
      const lock = new FileLock(at);
      expect(await taking(lock)).toBe(0);
      lock.release();
    });
  });

  test("of this process, which no copy here knows, is judged by its renewals", async () => {
    const at = newLock();
    leftBehind(at, ownIdentity());
    const lock = new FileLock(at);
    expect(await taking(lock)).toBeGreaterThanOrEqual(STALE_MS);
    lock.release();
  });

  test("where the system does not say when a process started, a number that lives is judged by its renewals", async () => {
    const at = newLock();
    await living(async (other) => {
      leftBehind(at, { ...ownIdentity(), pid: other.pid ?? 0, started: "" });
      const lock = new FileLock(at);
      expect(await taking(lock)).toBeGreaterThanOrEqual(STALE_MS);
      lock.release();
    });
  });
});

describe("an owner in another container or on another machine, with the same number", () => {
  test("that lives keeps it, and is named", async () => {
    const at = newLock();
    const [first, second] = [new FileLock(at, container("a")), new FileLock(at, container("b"))];
    // As from another process: this one knows nothing of it but what it sees.
    leftBehind(at, container("a"));
    const [name = ""] = readdirSync(at);
    const renewing = setInterval(() => {
      const text = readFileSync(join(at, name), "utf8");
      writeFileSync(
        join(at, name),
        text.replace(/\d+\n$/, `${String(performance.now()).padStart(15, "0")}\n`),
      );
    }, RENEW_MS);
    const refused = taking(second);
    await expect(refused).rejects.toThrow(HeldError);
    await expect(refused).rejects.toThrow("process 1 on host host-a, in another container");
    clearInterval(renewing);
    first.release();
  });

  test("that does not renew it is replaced after a time of observation, whatever the clocks say", async () => {
    const at = newLock();
    leftBehind(at, container("a"));
    const lock = new FileLock(at, container("b"));
    const ms = await taking(lock);
    expect(ms).toBeGreaterThanOrEqual(STALE_MS);
    expect(ms).toBeLessThan(STALE_MS + 1_000);
    lock.release();
  });

  test("is not replaced by an observer that slept instead of looking", async () => {
    const at = newLock();
    leftBehind(at, container("a"));
    const lock = new FileLock(at, container("b"));
    const taken = lock.take();
    await vi.advanceTimersByTimeAsync(1_000);
    // The machine of the observer sleeps for an hour: its clock goes on, and it looks at nothing.
    const now = performance.now.bind(performance);
    const clock = vi.spyOn(performance, "now").mockImplementation(() => now() + 3_600_000);
    await vi.advanceTimersByTimeAsync(100);
    expect(readdirSync(at)).toHaveLength(1);
    expect(lock.isOwned()).toBe(false);
    await vi.advanceTimersByTimeAsync(STALE_MS);
    await taken;
    lock.release();
    clock.mockRestore();
  });

  test("that is killed while it claims does not delay others for long", async () => {
    const at = newLock();
    leftBehind(at, container("a"), "claims");
    const half = join(at, "0".repeat(24));
    writeFileSync(half, '{"pid":1,"star');
    const lock = new FileLock(at, container("b"));
    expect(await taking(lock)).toBeLessThan(STALE_MS + 1_000);
    lock.release();
  });
});

describe("an owner that was suspended and replaced", () => {
  test("cannot overwrite the next owner's file, and names that owner", async () => {
    const at = newLock();
    const path = join(folder, "fenced.json");
    const old = new FileLock(at, container("a"));
    await taking(old);
    // It has written, and is suspended before it moves that over the record. The other one sees no renewal.
    writeFileSync(old.scratch, "old");
    const { scratch } = old;
    const name = scratch.slice(0, -".new".length);
    rmSync(name);
    rmSync(scratch);
    leftBehind(at, container("b"));
    writeFileSync(path, "next");
    expect(() => old.commit(path)).toThrow(LostError);
    expect(() => old.commit(path)).toThrow("process 1 on host host-b, in another container");
    // Also if it begins to write only when it wakes up.
    writeFileSync(scratch, "old");
    expect(() => old.commit(path)).toThrow(LostError);
    expect(readFileSync(path, "utf8")).toBe("next");
    old.release();
  });

  test("its unfinished file goes with its claim", async () => {
    const at = newLock();
    const name = leftBehind(at, container("a"));
    writeFileSync(join(at, `${name}.new`), "old");
    const next = new FileLock(at, container("b"));
    await taking(next);
    expect(readdirSync(at).every((file) => !file.startsWith(name))).toBe(true);
    next.release();
  });

  test("a lock that was removed is no lock any more", async () => {
    const at = newLock();
    const lock = new FileLock(at);
    await taking(lock);
    rmSync(at, { recursive: true });
    expect(() => lock.commit(join(folder, "x"))).toThrow("its lock was removed");
    lock.release();
  });
});

describe("the file that an earlier release had in its place", () => {
  test.each<[string, string]>([
    ["of a process that ended", "2147483646"],
    ["of a run in a container, with the number that this one has", String(process.pid)],
    ["with nothing in it", ""],
    ["with nonsense in it", "me"],
  ])("%s is replaced", async (_case, text) => {
    const at = newLock();
    writeFileSync(at, text);
    const lock = new FileLock(at);
    expect(await taking(lock)).toBe(0);
    lock.release();
    expect(existsSync(at)).toBe(false);
  });

  test("of a living process is respected, and the error says what to do", async () => {
    const at = newLock();
    await living(async (other) => {
      writeFileSync(at, String(other.pid));
      const lock = new FileLock(at);
      await expect(taking(lock)).rejects.toThrow(`process ${other.pid}, with an earlier release`);
      expect(readFileSync(at, "utf8")).toBe(String(other.pid));
    });
  });
});
