/**
 * Translates inbox items into the broker's events.
 *
 * Invariant: the generator is pulled by the broker, one event at a time, because a command may end its connection. Frames
 * of a connection that has ended are not parsed.
 */
import { readFrame } from "../codec/json.ts";
import { readLines } from "../codec/line.ts";
import type { Broker } from "../core/broker.ts";
import type { Event } from "../core/event.ts";
import { CLOSE } from "../protocol/close-codes.ts";
import type { HibernatingConnections } from "./connections.ts";
import type { InboxItem } from "./inbox.ts";

/** @param broker the broker that pulls the events */
export function* eventsOf(
  items: readonly InboxItem[],
  connections: HibernatingConnections,
  broker: Pick<Broker, "peers">,
): Generator<Event, void> {
  for (const item of items) {
    switch (item.type) {
      case "join":
        yield { type: "NewPeer", id: item.id, join: item.join };
        break;
      case "acceptFailed":
        yield { type: "Disconnect", link: item.link, code: CLOSE.ABNORMAL };
        break;
      case "admin":
        yield { type: "Operator", requestId: item.requestId, request: item.request };
        break;
      case "tick":
        yield { type: "Tick" };
        break;
      case "closed": {
        const info = connections.find(item.ws);
        if (info) yield { type: "Disconnect", link: info.link, code: item.code };
        break;
      }
      case "frame":
      case "invalidFrame": {
        const info = connections.find(item.ws);
        // If this very turn ended the connection, its close is staged, with the code that says why.
        if (info === undefined) connections.closeStale(item.ws);
        if (info === undefined || broker.peers.current(info.link) === undefined) break;
        const { link, dialect } = info;
        if (item.type === "invalidFrame") {
          yield { type: "ConnectionFailed", link, ...item.close };
          break;
        }
        const read = dialect === "chat.v1" ? readFrame : readLines;
        for (const command of read(item.text, connections.limits)) {
          yield { type: "CommandReceived", link, command };
          // The command may have ended its connection: the rest of the frame is dropped.
          if (broker.peers.current(link) === undefined) break;
        }
        break;
      }
      default:
        item satisfies never;
    }
  }
}
