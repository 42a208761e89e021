/** How a join travels from the Worker to the room's object: as one header of a request that only the two of them see. */
import type { Join } from "../core/event.ts";

const JOIN_HEADER = "x-chat-join";

/** Encodes a join for `decodeJoin`. @param echo whether the response names the dialect: only if the client offered it */
export const encodeJoin = (join: Join, echo: boolean): Request =>
  new Request("https://chat-room/", {
    headers: {
      Upgrade: "websocket",
      [JOIN_HEADER]: encodeURIComponent(JSON.stringify(join)),
      ...(echo && { "Sec-WebSocket-Protocol": join.dialect }),
    },
  });

/** The inverse of `encodeJoin`. */
export const decodeJoin = (request: Request): Join =>
  JSON.parse(decodeURIComponent(request.headers.get(JOIN_HEADER) ?? "")) as Join;
