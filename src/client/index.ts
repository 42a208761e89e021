/** The client library of `chat.v1`: everything public, and nothing else. */
export { ChatClient } from "./client.ts";
export * from "./errors.ts";
export type {
  ClientEvents,
  Entry,
  HistoryPage,
  ClientState,
  OutboxItem,
  OutboxMessage,
  OutboxPatch,
  Patch,
  ReplyOptions,
  SendOptions,
  WhoPage,
} from "./events.ts";
export type { ChatClientOptions } from "./options.ts";
export type { Data } from "../protocol/frames.ts";
export { type HandshakeFinding, HandshakeMonitor } from "./diagnose.ts";
export { plainText, refusalText } from "./error-text.ts";
export {
  type ClientRecord,
  type ClientStorage,
  memoryStorage,
  type Queued,
  type QueuedMessage,
  type QueuedPatch,
} from "./storage/storage.ts";
export { type BrowserItem, browserItem } from "./storage/browser-database.ts";
export { browserStorage, type TabOptions } from "./storage/browser.ts";
