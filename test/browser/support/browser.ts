/**
 * The browser of the machine: the one that CHROMIUM names, or the first at a usual path. Without a browser the tests of
 * the page are skipped, with one line for each file; in CI they fail. `CHROMIUM=none` tests this.
 */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";
import { describe, test } from "vitest";

const { CHROMIUM, CI } = process.env;

const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

export const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const executablePath = (CHROMIUM === undefined ? PLACES : [CHROMIUM]).find((place) =>
  existsSync(place),
);
const isMissing = executablePath === undefined;

/** A group of tests in a real browser. */
export function inBrowser(title: string, tests: () => void): void {
  if (!isMissing || CI !== undefined) {
    describe(title, tests);
    return;
  }
  const reason = "no Chromium on this machine: install it, or name it in CHROMIUM";
  test.skip(`${title}: ${reason}`, () => {});
  console.log(`skipped: ${title}, ${reason}`);
}

export function pathOfBrowser(): string {
  if (executablePath === undefined) {
    throw new Error(
      `no Chromium ${CHROMIUM === undefined ? "on this machine" : `at ${CHROMIUM}`}, and CI must not go without: see .ci/run`,
    );
  }
  return executablePath;
}

export const launch = (): Promise<Browser> =>
  chromium.launch({ executablePath: pathOfBrowser(), args: FLAGS });
