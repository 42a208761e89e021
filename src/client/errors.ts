/**
 * The errors of the client: a class for each, with a sentence that says what to do.
 */

/** The base of all errors of this client: `catch (error) { if (error instanceof ChatError) … }`. */
export class ChatError extends Error {
  override name = "ChatError";
}

/** The options of `new ChatClient` cannot work: a bad URL, room or name. Thrown by the constructor. */
export class BadOptionError extends ChatError {
  override name = "BadOptionError";
}

/** The room was restored from a backup or made again: earlier positions and entries belong to another history. */
export class RestoredError extends ChatError {
  override name = "RestoredError";
}

/** The room refused one message for good: it is not stored, and the connection goes on. */
export class RefusedError extends ChatError {
  override name = "RefusedError";
  /** `bad-frame`, `unknown-peer`, `too-large`; `lost` if the reason was lost with a connection. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Indeterminate: whether the message was stored. The log was trimmed while this client was away, and with it the
 * confirmation. The client never sends it again by itself; a confirmation may still come as an entry.
 */
export class FateUnknownError extends ChatError {
  override name = "FateUnknownError";
}

/** The outbox is full. This message was not kept. */
export class OutboxFullError extends ChatError {
  override name = "OutboxFullError";
}

/** The client is closed, or was closed before an answer came. What `send` accepted stays in the outbox. */
export class ClosedError extends ChatError {
  override name = "ClosedError";
  /** The close code that ended it; 1000 if `close()` did. */
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** The connection broke before the reply to `history` or `who` came: send the query again. */
export class ConnectionLostError extends ChatError {
  override name = "ConnectionLostError";
}

/** The storage could not save or load the client's record: a full disk, a browser that refuses storage. */
export class StorageError extends ChatError {
  override name = "StorageError";
  /**
   * Where content that is no record was moved to. The storage is empty then, and the client begins with a fresh record; any
   * other `StorageError` closes it.
   */
  readonly movedTo: string | undefined;

  constructor(message: string, movedTo?: string) {
    super(message);
    this.movedTo = movedTo;
  }
}

/**
 * A `for await` has not requested the next entry for more than a minute, or no loop goes on where the last one was left. A
 * hint, as the event `error`, once for an entry: nothing is lost, but the cursor stays before that entry.
 */
export class ConsumerStalledError extends ChatError {
  override name = "ConsumerStalledError";
}
