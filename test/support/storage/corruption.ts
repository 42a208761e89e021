/** Rows that nobody can have written so, and what the operator reads of them. */
import { vi } from "vitest";
import type { TestRoom } from "../harness/workerd.ts";

export const corrupts = (room: TestRoom, ...statements: string[]): Promise<void> =>
  room.inside((_object, { storage }) => {
    for (const statement of statements) storage.sql.exec(statement);
  });

/** What is written into the log as trouble. */
export async function logged(scene: () => Promise<void>): Promise<string> {
  const spy = vi.spyOn(console, "error").mockImplementation(() => {});
  try {
    await scene();
    return JSON.stringify(spy.mock.calls);
  } finally {
    spy.mockRestore();
  }
}
