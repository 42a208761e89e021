/** Servers that are not a room, and one that is newer. All are on loopback, and each ends with its test. */
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";

/** @returns `http://127.0.0.1:…` */
export async function stranger(
  answers: RequestListener,
  greets?: (socket: WebSocket) => void,
): Promise<string> {
  const server = createServer(answers);
  if (greets !== undefined) {
    const sockets = new WebSocketServer({ server, handleProtocols: () => "chat.v1" });
    sockets.on("connection", (socket) => greets(socket));
    onTestFinished(() => {
      for (const socket of sockets.clients) socket.terminate();
    });
  }
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Returns an address where no server listens. */
export async function noServer(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

const LIMITS = {
  text: 8_192,
  data: 4_096,
  patchHours: 24,
  frame: 65_536,
  recipients: 64,
  window: 256,
  windowBytes: 262_144,
  rate: 50,
  burst: 500,
  spread: 5,
};

export const welcome = {
  type: "welcome",
  room: "lobby",
  name: "alice",
  epoch: "e.1",
  head: 0,
  since: 0,
  online: 1,
  peers: ["alice"],
  limits: LIMITS,
};

/** Answers a plain request as a room does. */
export const likeARoom: RequestListener = (_request, response) => {
  response.writeHead(426, { "Content-Type": "application/json" });
  response.end(
    '{"error":{"code":"upgrade-required","message":"connect with a WebSocket client"}}\n',
  );
};

export interface Sent {
  readonly type: string;
  readonly id: string;
  readonly text: string;
  readonly to?: readonly string[];
}

/** Calls `onSend` with each `send` of the client. */
export function onSends(socket: WebSocket, onSend: (sent: Sent) => void): void {
  socket.on("message", (data: Buffer) => {
    const text = data.toString();
    if (text === "ping") return socket.send("pong");
    const value = JSON.parse(text) as Sent | Sent[];
    for (const item of [value].flat()) if (item.type === "send") onSend(item);
  });
}
