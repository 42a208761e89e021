/** `ws` on Node: the relay without a platform. Prints its port once it listens. */
import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";

interface Send {
  readonly id: string;
  readonly to?: readonly string[];
  readonly text: string;
}

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
const peers = new Map<string, WebSocket>();
let seq = 0;

server.on("listening", () => console.log(`port ${(server.address() as AddressInfo).port}`));
server.on("connection", (socket, request) => {
  const from = new URL(request.url ?? "", "http://localhost").searchParams.get("name") ?? "";
  peers.set(from, socket);
  socket.send('{"type":"ready"}');
  socket.on("close", () => peers.get(from) === socket && peers.delete(from));
  socket.on("error", () => {});
  socket.on("message", (data: Buffer) => {
    const { id, to, text } = JSON.parse(data.toString()) as Send;
    const entry = { type: "message", seq: ++seq, from, to, text, id, at: Date.now() };
    const frame = JSON.stringify(entry);
    for (const peer of hearers(from, to)) {
      if (peer?.readyState === WebSocket.OPEN) peer.send(frame);
    }
  });
});

function hearers(from: string, to: Send["to"]): Iterable<WebSocket | undefined> {
  if (to === undefined) return peers.values();
  return [...new Set([from, ...to])].map((name) => peers.get(name));
}
