/**
 * A bridge between two rooms. It carries each message for everyone to the other room exactly once, and keeps its
 * positions in `lobby.json` and `attic.json`.
 *
 * Start the rooms with `npm start`, the bridge with `npx node examples/bridge.ts`, and talk in both rooms:
 * `npm run chat -- alice lobby` and `npm run chat -- bob attic`.
 */
import { ChatClient } from "chat-room/client";
import { fileStorage } from "chat-room/client/node";

const url = "http://localhost:8787";
const bridge = (room: string) =>
  new ChatClient({ url, room, name: "bridge", storage: fileStorage(`${room}.json`) });
const [lobby, attic] = [bridge("lobby"), bridge("attic")];
const carry = async (from: ChatClient, to: ChatClient) => {
  for await (const entry of from) {
    if (entry.from === "bridge" || entry.to || !entry.text) continue;
    await to.carry(entry, `${entry.from}: ${entry.text}`, { from });
  }
};
await Promise.all([carry(lobby, attic), carry(attic, lobby)]);
