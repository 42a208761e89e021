/** A link carries both ways, and a cut one carries nothing. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CuttableProxy } from "../../../src/apps/demo/cut-proxy.ts";

let room: Server;
let port: number;
let link: CuttableProxy;
/** What the room's side has accepted and heard. */
let accepted: Socket[];
let heard: string;

beforeEach(async () => {
  accepted = [];
  heard = "";
  room = createServer((socket) => {
    accepted.push(socket);
    socket.on("error", () => {});
    socket.on("data", (bytes: Buffer) => {
      heard += bytes.toString();
      socket.write(bytes);
    });
  });
  room.listen(0, "127.0.0.1");
  await once(room, "listening");
  ({ port } = room.address() as AddressInfo);
  link = await CuttableProxy.opens(() => port);
});

afterEach(() => {
  link.close();
  for (const socket of accepted) socket.destroy();
  room.close();
});

/** A client whose errors are seen by `ending`, if by anyone. */
const comes = (): Socket =>
  connect(Number(new URL(link.url).port), "127.0.0.1").on("error", () => {});

/** Says `text` and waits for its echo. */
async function echo(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  const [bytes] = (await once(socket, "data")) as [Buffer];
  return bytes.toString();
}

/** How the link ended: the code of the error, or "end". */
function ending(socket: Socket): Promise<string> {
  let how = "end";
  socket.on("error", (error: NodeJS.ErrnoException) => (how = error.code ?? error.message));
  socket.resume();
  return new Promise((resolve) => socket.on("close", () => resolve(how)));
}

test("carries both ways, and passes on a clean end", async () => {
  const socket = comes();
  expect(await echo(socket, "hello")).toBe("hello");
  socket.end("bye");
  expect(await ending(socket)).toBe("end");
  expect(heard).toBe("hellobye");
});

test("a cut resets both ends, and whoever comes meanwhile; mended, it carries again", async () => {
  const socket = comes();
  await echo(socket, "one");
  const goodbyes = [ending(socket), ...accepted.map(ending)];
  link.cut();
  expect(await Promise.all(goodbyes)).toEqual(["ECONNRESET", "ECONNRESET"]);
  const late = comes();
  late.write("two");
  expect(await ending(late)).toBe("ECONNRESET");
  link.restore();
  expect(await echo(comes(), "three")).toBe("three");
  expect(heard).toBe("onethree");
});

test("a connection on its way when the link is cut lets nothing through", async () => {
  const socket = comes();
  socket.write("one");
  await once(socket, "connect");
  link.cut();
  expect(await ending(socket)).toBe("ECONNRESET");
  link.restore();
  expect(await echo(comes(), "two")).toBe("two");
  expect(heard).toBe("two");
});

test("the death of the room's side is passed on as a reset", async () => {
  const socket = comes();
  await echo(socket, "one");
  const goodbye = ending(socket);
  for (const side of accepted) side.resetAndDestroy();
  expect(await goodbye).toBe("ECONNRESET");
});

test("where no room listens, a connection is reset", async () => {
  room.close();
  expect(await ending(comes())).toBe("ECONNRESET");
});
