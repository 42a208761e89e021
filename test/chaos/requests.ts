/** What chaos asks of a client of the shipped library. */
import type { ChatClient, Entry, Patch } from "../../src/client/index.ts";
import type { ReceivedEntry } from "./history.ts";
import type { NewItem } from "./messages.ts";

export function sendItem(client: ChatClient, item: NewItem): Promise<Entry | Patch> {
  const { type, text, data, to, ref, quiet } = item;
  switch (type) {
    case "send":
      return client.send(text ?? "", {
        ...(to && { to }),
        ...(ref !== undefined && { ref }),
        ...(data && { data }),
        ...(quiet && { quiet }),
      });
    case "edit":
      return client.edit(ref ?? 0, text, data);
    case "erase":
      return client.erase(ref ?? 0);
    default:
      return type satisfies never;
  }
}

/** Returns all messages that the room has stored for this client, oldest first; undefined if it did not answer. */
export async function readHistory(
  client: ChatClient | undefined,
): Promise<readonly ReceivedEntry[] | undefined> {
  const pages: ReceivedEntry[] = [];
  let before: number | undefined;
  try {
    do {
      const page = await client?.history({
        limit: 100,
        ...(before !== undefined && { before }),
      });
      if (page === undefined) return undefined;
      pages.unshift(...page.messages.map((entry) => ({ ...entry, type: "message" as const })));
      before = page.next;
    } while (before !== undefined);
  } catch {
    return undefined;
  }
  return pages;
}

/** Returns the names that the room lists as online; undefined if it did not answer. */
export async function readRoster(
  client: ChatClient | undefined,
): Promise<readonly string[] | undefined> {
  try {
    const page = await client?.who();
    return page?.peers.filter(({ online }) => online).map(({ name }) => name);
  } catch {
    return undefined;
  }
}
