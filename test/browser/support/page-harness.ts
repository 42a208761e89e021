/** A server, a browser, and the visitors of the page in one test. */
import type { Browser, BrowserContext, BrowserContextOptions } from "playwright-core";
import { afterAll, afterEach, beforeAll } from "vitest";
import { Server, type Vars } from "../../support/server/server.ts";
import { launch } from "./browser.ts";
import { Visitor } from "./visitor.ts";

export interface PageHarness {
  readonly url: () => string;
  /** The name of a new room. */
  readonly newRoom: () => string;
  /** A new browser context, which shares no storage with others. */
  readonly device: (options?: BrowserContextOptions) => Promise<BrowserContext>;
  readonly comes: (device: BrowserContext, path?: string) => Promise<Visitor>;
  /** Opens the page, in a new context by default, joins, and waits for the connection. */
  readonly joins: (room: string, name: string, device?: BrowserContext) => Promise<Visitor>;
}

/** Call it once in a group of tests. @param vars replace those of wrangler.toml */
export function pageHarness(vars: Vars = {}): PageHarness {
  let server: Server;
  let browser: Browser;
  let rooms = 0;
  const devices: BrowserContext[] = [];
  const visitors: Visitor[] = [];
  beforeAll(async () => {
    [server, browser] = await Promise.all([Server.starts(vars), launch()]);
  });
  afterEach(async () => {
    for (const device of devices.splice(0)) await device.close();
    for (const visitor of visitors.splice(0)) visitor.checkErrors();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });
  const device = async (options: BrowserContextOptions = {}): Promise<BrowserContext> => {
    const context = await browser.newContext({ locale: "en-GB", timezoneId: "UTC", ...options });
    devices.push(context);
    return context;
  };
  const comes = async (on: BrowserContext, path = "/"): Promise<Visitor> => {
    const visitor = await Visitor.comes(on, server.url + path);
    visitors.push(visitor);
    return visitor;
  };
  return {
    url: () => server.url,
    newRoom: () => `page-${++rooms}`,
    device,
    comes,
    joins: async (room, name, on) => {
      const visitor = await comes(on ?? (await device()));
      await visitor.chooses(room, name);
      await visitor.isConnected();
      return visitor;
    },
  };
}
