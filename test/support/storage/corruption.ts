/** Corrupts stored rows, and reads what the room logs about them. */
import { vi } from "vitest";
import type { TestRoom } from "../harness/workerd.ts";

export const corrupts = (room: TestRoom, ...statements: string[]): Promise<void> =>
  room.inside((_object, { storage }) => {
    for (const statement of statements) storage.sql.exec(statement);
  });

/** Returns the errors logged during `scene`. */
export async function logged(scene: () => Promise<void>): Promise<string> {
  const spy = vi.spyOn(console, "error").mockImplementation(() => {});
  try {
    await scene();
    return JSON.stringify(spy.mock.calls);
  } finally {
    spy.mockRestore();
  }
}
