import { describe } from "vitest";
import { emptyDisk, MemoryStorage } from "../../support/storage/memory-storage.ts";
import { storageContract } from "../../support/storage/storage-contract.ts";

describe("storage in memory", () => {
  storageContract((work) => {
    const disk = emptyDisk();
    work({
      storage: new MemoryStorage(disk),
      reopen: () => new MemoryStorage(disk),
    });
  });
});
