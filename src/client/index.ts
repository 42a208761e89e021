/** The client library of `chat.v1`: everything public, and nothing else. */
export { ChatClient, type HistoryPage, type SendOptions, type WhoPage } from "./client.ts";
export * from "./errors.ts";
export type { ClientEvents, Entry, LinkState } from "./events.ts";
export type { ChatClientOptions } from "./options.ts";
export {
  browserStorage,
  type ClientRecord,
  type ClientStorage,
  memoryStorage,
  type Queued,
} from "./storage.ts";
