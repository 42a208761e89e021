/** The room as `npm start` runs it: `wrangler dev`, all its processes counted. */
import { Server as DevServer, type Vars } from "../../../test/support/server/server.ts";
import { usageOf } from "../../support/process-stats.ts";
import type { Server } from "./system-under-test.ts";

/** Its storage lies in the system's temporary folder, wherever the other contenders keep theirs. */
export async function startDev(vars: Vars): Promise<Server> {
  const server = await DevServer.starts(vars);
  return {
    url: server.url.replace("http", "ws"),
    usage: () => usageOf(server.group),
    stop: () => server.stop(),
  };
}
