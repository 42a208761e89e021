/**
 * Streams the whole log as lines of JSON, as fast as the reader takes them.
 *
 * Invariants:
 * - One page is in memory at a time, whatever the size of the log; each is read in a turn of its own.
 * - It ends with the head that it began with. A `gap` stands for entries that retention removes meanwhile, and a text that
 *   is erased before its page is read is not in it. Only a complete export ends with a line of the type `end`.
 */
import { type RoomName, addSeq, SEQ_ZERO } from "../protocol/ids.ts";
import type { AdminRequest } from "../protocol/admin.ts";
import type { AdminResponse } from "./rpc.ts";
import { MIB, SECOND } from "../core/limits.ts";

/** Bytes of entries that an export holds in memory at once. */
export const EXPORT_PAGE_BYTES = MIB;

/** An export is aborted when its reader takes nothing for this long. */
export const EXPORT_STALL_MS = 60 * SECOND;

interface Source {
  readonly room: RoomName;
  readonly query: (request: Extract<AdminRequest, { type: "Messages" }>) => Promise<AdminResponse>;
  /** Another epoch means that the room was erased meanwhile. */
  readonly epoch: () => string | undefined;
}

/** @returns the stream; or the response that says why there is none: no room, or its storage fails at once */
export async function exportLog(
  source: Source,
): Promise<ReadableStream<Uint8Array> | AdminResponse> {
  const start = await source.query({ type: "Messages", since: SEQ_ZERO, limit: 0, bytes: 0 });
  if (start.type !== "messages") return start;
  // This stream buffers nothing ahead of the reader.
  const { readable, writable } = new IdentityTransformStream();
  const writer = writable.getWriter();
  const run = async (): Promise<void> => {
    for await (const lines of linesOf(source, start)) await write(writer, lines);
    await writer.close();
  };
  run().catch((error: unknown) => writer.abort(error).catch(() => {}));
  return readable;
}

async function* linesOf(
  { room, epoch, query }: Source,
  { first, head }: Extract<AdminResponse, { type: "messages" }>,
): AsyncGenerator<readonly string[]> {
  const atStart = epoch();
  yield [JSON.stringify({ type: "export", room, epoch: atStart, first, head })];
  let entries = 0;
  let since = addSeq(first, -1);
  while (since < head) {
    const page = await query({
      type: "Messages",
      since,
      until: head,
      limit: Infinity,
      bytes: EXPORT_PAGE_BYTES,
    });
    if (page.type !== "messages") throw new Error("the room cannot be read");
    if (epoch() !== atStart) throw new Error("the room was erased");
    const lines = [...page.frames];
    entries += lines.length;
    const below = Math.min(addSeq(page.first, -1), head);
    if (below > since) lines.unshift(JSON.stringify({ type: "gap", from: since + 1, to: below }));
    yield lines;
    since = page.end;
  }
  yield [JSON.stringify({ type: "end", entries })];
}

/** @throws if the reader takes nothing for `EXPORT_STALL_MS`, or has gone */
async function write(
  writer: WritableStreamDefaultWriter<Uint8Array>,
  lines: readonly string[],
): Promise<void> {
  const text = lines.map((line) => `${line}\n`).join("");
  let timer: ReturnType<typeof setTimeout> | null = null;
  const stalled = new Promise<never>((_, refuse) => {
    timer = setTimeout(() => refuse(new Error("nobody reads the export")), EXPORT_STALL_MS);
  });
  try {
    await Promise.race([writer.write(new TextEncoder().encode(text)), stalled]);
  } finally {
    clearTimeout(timer);
  }
}
