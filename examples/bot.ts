/**
 * A bot that answers every message, each exactly once, however often it is killed. Its position is in `echo.json`.
 *
 * Start the room with `npm start`, the bot with `npx node examples/bot.ts`, and talk to it: `npm run chat -- alice`.
 */
import { ChatClient } from "chat-room/client";
import { fileStorage } from "chat-room/client/node";

const url = "http://localhost:8787";
const bot = new ChatClient({ url, room: "lobby", name: "echo", storage: fileStorage("echo.json") });
for await (const entry of bot) {
  if (entry.from !== "echo" && entry.text) await bot.reply(entry, `you said: ${entry.text}`);
}
