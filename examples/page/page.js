/** The script of the page. How to run it: index.html. */
import { browserStorage, ChatClient } from "./client.js";

const [log, input] = [document.querySelector("pre"), document.querySelector("input")];
const storage = browserStorage("lobby/alice");
const chat = new ChatClient({ url: location.origin, room: "lobby", name: "alice", storage });
chat.on("state", (state) => (document.title = state.type));
chat.on("entry", ({ from, text }) => log?.append(`${from}: ${text}\n`));
input?.addEventListener("change", async () => {
  await chat.send(input.value); // resolves once it is stored
  input.value = "";
});
