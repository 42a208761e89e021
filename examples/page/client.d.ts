/** The types of `client.js`, the bundle that `npm run build:client` writes. */
export * from "chat-room/client";
