/** Socket.IO on Node, with connection state recovery. Prints its port once it listens. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "socket.io";

interface Send {
  readonly id: string;
  readonly to?: readonly string[];
  readonly text: string;
}

const http = createServer();
const io = new Server(http, {
  transports: ["websocket"],
  perMessageDeflate: false,
  connectionStateRecovery: { maxDisconnectionDuration: 600_000, skipMiddlewares: true },
});
let seq = 0;

io.on("connection", (socket) => {
  const from = String(socket.handshake.auth["name"]);
  // Each name has a Socket.IO room, which survives its connections.
  void socket.join(`to:${from}`);
  socket.on("send", ({ id, to, text }: Send) => {
    const entry = { seq: ++seq, from, to, text, id, at: Date.now() };
    if (to === undefined) io.emit("message", entry);
    else io.to([...new Set([from, ...to])].map((name) => `to:${name}`)).emit("message", entry);
  });
});
http.listen(0, "127.0.0.1", () => console.log(`port ${(http.address() as AddressInfo).port}`));
