/** The room as `npm start` runs it: `wrangler dev`, all its processes counted. */
import { Server as DevServer, type Vars } from "../../../test/support/server/server.ts";
import { processStats } from "../../support/process-stats.ts";
import type { Server } from "./system-under-test.ts";

/** Its storage is always in the system's temporary folder, also where the other systems use another disk. */
export async function startDev(vars: Vars): Promise<Server> {
  const server = await DevServer.starts(vars);
  return {
    url: server.url.replace("http", "ws"),
    stats: () => processStats(server.group),
    stop: () => server.stop(),
  };
}
