/** `kill -9` of the whole server while messages are under way, and a restart on the same storage. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestRoom } from "../support/clients/room.ts";
import { Server } from "../support/server/server.ts";
import type { V1Client } from "../support/clients/v1-client.ts";

/** A narrow window, so that a return is served in many pages. */
const WINDOW = 4;
/** Messages that each speaker keeps under way. */
const ON_THE_WAY = 8;
const EACH = 150;
const RESTART_MS = 60_000;
/** The conversation and two restarts, each of which took 17 s on a busy machine. */
const CONVERSATION_MS = 120_000;

let server: Server;
beforeAll(async () => {
  server = await Server.starts({ WINDOW });
});
afterAll(() => server.stop());

/** Every third message goes to one person, the others to everyone. */
const recipient = (number: number, to: string): { to?: readonly string[] } =>
  number % 3 === 0 ? { to: [to] } : {};

const numbered = (name: string): string[] =>
  Array.from({ length: EACH }, (_, number) => `${name} ${number}`);

/** Goes on sending, connected or not: sends the next as soon as fewer than `ON_THE_WAY` are unconfirmed. */
async function talks(speaker: V1Client, to: string): Promise<void> {
  for (const [number, text] of numbered(speaker.name).entries()) {
    await speaker.until(
      () => speaker.unconfirmed.length < ON_THE_WAY,
      () => "a confirmation",
      RESTART_MS,
    );
    speaker.says(text, recipient(number, to));
  }
}

test(
  "R3 R4 R5 R11: a conversation survives kill -9, twice, with every message once and in order",
  async () => {
    const room = new TestRoom(server, "survivors");
    const alice = await room.joins("alice", { dialect: "chat.v1" });
    const bob = await room.joins("bob", { dialect: "chat.v1" });
    const carol = await room.joins("carol", { dialect: "chat.v1" });
    const dave = await room.joins("dave", { dialect: "chat.line" });
    dave.types("/quit");
    expect(await dave.goodbye()).toEqual({ code: 1000, reason: "goodbye" });
    const everyone = [alice, bob, carol];
    const epochs = (): string[] => carol.all("welcome").map(({ epoch }) => epoch);

    expect(alice.all("welcome")[0]?.limits.window).toBe(WINDOW);
    const conversations = [talks(alice, "bob"), talks(bob, "alice")];
    const survivesAt = async (count: number, message: string): Promise<void> => {
      await bob.until(
        () => bob.entries.length >= count,
        () => `${count} entries`,
      );
      // Carol's message is stored, and its confirmation is lost with her connection.
      carol.stopsListening();
      carol.says(message);
      await bob.hears(message);
      await server.killNine();
      const goodbyes = await Promise.all(everyone.map((client) => client.goodbye()));
      expect(goodbyes.map(({ code }) => code)).toEqual([1006, 1006, 1006]);
      expect(alice.unconfirmed).toHaveLength(ON_THE_WAY);
      expect(bob.unconfirmed).toHaveLength(ON_THE_WAY);
      expect(carol.unconfirmed).toEqual([message]);
      await server.restart();
      await Promise.all(everyone.map((client) => client.returns()));
    };
    await survivesAt(60, "first");
    await survivesAt(160, "second");
    await Promise.all(conversations);
    await Promise.all(everyone.map((client) => client.isDone()));
    alice.says("the end");
    await Promise.all(everyone.map((client) => client.hears("the end")));

    // The senders: all is confirmed, in the order sent, nothing rejected, nothing indeterminate.
    expect(alice.confirmed).toEqual([...numbered("alice"), "the end"]);
    expect(bob.confirmed).toEqual(numbered("bob"));
    expect(carol.confirmed).toEqual(["first", "second"]);
    for (const { refused, unknown } of everyone) expect([...refused, ...unknown]).toEqual([]);

    // Both sides: the whole log, without a hole or a repeat, and each sender's messages in order.
    const total = 2 * EACH + 3;
    expect(alice.entries.map(({ seq }) => seq)).toEqual(
      Array.from({ length: total }, (_, index) => index + 1),
    );
    expect(bob.entries).toEqual(alice.entries);
    for (const { name, confirmed } of everyone) {
      const own = bob.entries.filter(({ from }) => from === name);
      expect(own.map(({ text }) => text)).toEqual(confirmed);
    }
    const public_ = alice.entries.filter(({ to }) => to === undefined);
    expect(carol.entries).toEqual(public_);
    expect(new Set(epochs()).size).toBe(1);
    expect(epochs()).toHaveLength(3);

    // The room's log is what they received: a newcomer reads the entries to everyone.
    const erin = await room.joins("erin", { dialect: "chat.v1" });
    expect(await erin.recalls()).toEqual(public_);

    // A peer that was away all the time gets the waiting messages, once, in order.
    await dave.returns();
    await dave.hears("from alice: the end");
    const received = dave.lines.filter((line) => line.startsWith("from "));
    expect(received).toEqual(public_.map(({ from, text }) => `from ${from}: ${text}`));
    expect(await server.loggedErrors()).toEqual([]);
  },
  CONVERSATION_MS,
);
