import { env, runInDurableObject } from "cloudflare:test";
import { describe } from "vitest";
import { RoomStorage } from "../../src/store/storage.ts";
import { storageContract } from "../support/storage-contract.ts";

let rooms = 0;

describe("storage on SQLite, in workerd", () => {
  storageContract((work) => {
    const stub = env.CHAT_ROOM.getByName(`contract-${rooms++}`);
    return runInDurableObject(stub, (_room, { storage }) => {
      const open = () => new RoomStorage(storage, () => crypto.randomUUID());
      work({ storage: open(), reopen: open });
    });
  });
});
