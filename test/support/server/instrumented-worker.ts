/**
 * The Worker, but the room prints when it is constructed and when an event wakes it, for tests that read the server's
 * output.
 */
import { ChatRoom as Room } from "../../../src/durable-object/chat-room.ts";
import type { Env } from "../../../src/durable-object/env.ts";

export { default } from "../../../src/worker.ts";

export class ChatRoom extends Room {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    console.log("watched: made");
  }

  override webSocketMessage(ws: WebSocket, data: string | ArrayBuffer): Promise<void> | undefined {
    console.log("watched: event");
    return super.webSocketMessage(ws, data);
  }

  override webSocketClose(ws: WebSocket, code: number): Promise<void> {
    console.log("watched: event");
    return super.webSocketClose(ws, code);
  }
}
