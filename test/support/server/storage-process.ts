/** A process that opens a record's file on request, for tests that kill and suspend it. */
import { fileStorage } from "../../../src/client/storage/file/file-storage.ts";
import type { ClientRecord, ClientStorage } from "../../../src/client/storage/storage.ts";

export type StorageRequest =
  | { readonly type: "open"; readonly path: string }
  | { readonly type: "save"; readonly record: ClientRecord }
  | { readonly type: "close" };
export type StorageResponse =
  | { readonly type: "up"; readonly pid: number }
  | { readonly type: "done"; readonly ms: number; readonly record?: ClientRecord | undefined }
  | { readonly type: "refused"; readonly name: string; readonly why: string };

let storage: ClientStorage | undefined;

async function handle(asked: StorageRequest): Promise<ClientRecord | undefined> {
  switch (asked.type) {
    case "open": {
      const opening = fileStorage(asked.path);
      await opening.open?.();
      storage = opening;
      return storage.load();
    }
    case "save":
      await storage?.save(asked.record);
      return undefined;
    case "close":
      await storage?.close?.();
      storage = undefined;
      return undefined;
    default:
      return asked satisfies never;
  }
}

const answer = (given: StorageResponse): void => {
  process.send?.(given);
};

process.on("message", (asked: StorageRequest) => {
  const began = performance.now();
  handle(asked).then(
    (record) => answer({ type: "done", ms: performance.now() - began, record }),
    ({ name, message }: Error) => answer({ type: "refused", name, why: message }),
  );
});
process.on("disconnect", () => process.exit());
answer({ type: "up", pid: process.pid });
