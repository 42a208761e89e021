/** The proxy forwards both ways, and a cut one forwards nothing. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CuttableProxy } from "../../../src/apps/demo/cut-proxy.ts";

let server: Server;
let port: number;
let proxy: CuttableProxy;
/** The sockets that the server accepted, and the text that it received. */
let accepted: Socket[];
let received: string;

beforeEach(async () => {
  accepted = [];
  received = "";
  server = createServer((socket) => {
    accepted.push(socket);
    socket.on("error", () => {});
    socket.on("data", (bytes: Buffer) => {
      received += bytes.toString();
      socket.write(bytes);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ({ port } = server.address() as AddressInfo);
  proxy = await CuttableProxy.open(() => port);
});

afterEach(() => {
  proxy.close();
  for (const socket of accepted) socket.destroy();
  server.close();
});

/** A client whose errors only `ending` reports. */
const connects = (): Socket =>
  connect(Number(new URL(proxy.url).port), "127.0.0.1").on("error", () => {});

/** Sends `text` and waits for its echo. */
async function echo(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  const [bytes] = (await once(socket, "data")) as [Buffer];
  return bytes.toString();
}

/** Resolves with the way the connection ended: the code of the error, or "end". */
function ending(socket: Socket): Promise<string> {
  let how = "end";
  socket.on("error", (error: NodeJS.ErrnoException) => (how = error.code ?? error.message));
  socket.resume();
  return new Promise((resolve) => socket.on("close", () => resolve(how)));
}

test("forwards both ways, and a clean end", async () => {
  const socket = connects();
  expect(await echo(socket, "hello")).toBe("hello");
  socket.end("bye");
  expect(await ending(socket)).toBe("end");
  expect(received).toBe("hellobye");
});

test("a cut resets both ends and new connections; restored, the proxy forwards again", async () => {
  const socket = connects();
  await echo(socket, "one");
  const goodbyes = [ending(socket), ...accepted.map(ending)];
  proxy.cut();
  expect(await Promise.all(goodbyes)).toEqual(["ECONNRESET", "ECONNRESET"]);
  const late = connects();
  late.write("two");
  expect(await ending(late)).toBe("ECONNRESET");
  proxy.restore();
  expect(await echo(connects(), "three")).toBe("three");
  expect(received).toBe("onethree");
});

test("a connection that is being opened during the cut forwards nothing", async () => {
  const socket = connects();
  socket.write("one");
  await once(socket, "connect");
  proxy.cut();
  expect(await ending(socket)).toBe("ECONNRESET");
  proxy.restore();
  expect(await echo(connects(), "two")).toBe("two");
  expect(received).toBe("two");
});

test("a reset of the server's side is forwarded", async () => {
  const socket = connects();
  await echo(socket, "one");
  const goodbye = ending(socket);
  for (const side of accepted) side.resetAndDestroy();
  expect(await goodbye).toBe("ECONNRESET");
});

test("without a server, a connection is reset", async () => {
  server.close();
  expect(await ending(connects())).toBe("ECONNRESET");
});
