/**
 * The browser of the machine. Where there is none the tests of the page are skipped, in one line that says so; in CI
 * that is a failure.
 */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";
import { describe } from "vitest";

const PLACES = [
  process.env["CHROMIUM"] ?? "",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const executablePath = PLACES.find((place) => place !== "" && existsSync(place));
const isMissing = executablePath === undefined;
const isCI = process.env["CI"] === "true";

/** A group of tests in a real browser. */
export function inBrowser(title: string, tests: () => void): void {
  const reason = "no Chromium on this machine: install it, or name it in CHROMIUM";
  if (!isMissing || isCI) describe(title, tests);
  else describe.skip(`${title} (${reason})`, tests);
}

export function launch(): Promise<Browser> {
  if (executablePath === undefined) {
    throw new Error("no Chromium on this machine, and CI must not go without: see .ci/run");
  }
  return chromium.launch({ executablePath, args: FLAGS });
}
