/**
 * Visitors of the page, with verbs that read like speech: `alice.says("hi")`, `await bob.reads("hi")`, `bob.cuts()`.
 *
 * Invariant: an error that the browser reports, like a script that fails or a violation of the Content-Security-Policy,
 * is thrown when the visitor leaves.
 */
import type { BrowserContext, Locator, Page } from "playwright-core";

/** Long enough for a busy machine. */
const DEADLINE_MS = 30_000;

export class Visitor {
  readonly page: Page;
  /** The addresses of all requests of the page. */
  readonly requests: string[] = [];
  readonly #errors: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.setDefaultTimeout(DEADLINE_MS);
    page.on("pageerror", (error) => this.#errors.push(error.stack ?? error.message));
    page.on("console", (message) => {
      // The browser itself logs a connection that breaks.
      const isOfConnection = /WebSocket connection|Failed to load resource/.test(message.text());
      if (message.type() === "error" && !isOfConnection) this.#errors.push(message.text());
    });
    page.on("request", (request) => this.requests.push(request.url()));
    page.on("websocket", (socket) => this.requests.push(socket.url()));
  }

  /** Opens the page. @param device a browser context; its tabs share the storage */
  static async comes(device: BrowserContext, url: string): Promise<Visitor> {
    const visitor = new Visitor(await device.newPage());
    await visitor.page.goto(url);
    return visitor;
  }

  /** Opens the page, and joins with the form. */
  static async joins(
    device: BrowserContext,
    url: string,
    room: string,
    name: string,
  ): Promise<Visitor> {
    const visitor = await Visitor.comes(device, url);
    await visitor.chooses(room, name);
    return visitor;
  }

  async chooses(room: string, name: string): Promise<void> {
    await this.page.fill("#join-room", room);
    await this.page.fill("#join-name", name);
    await this.page.click("#join-form button.primary");
  }

  async says(text: string): Promise<void> {
    await this.page.fill("#text", text);
    await this.page.press("#text", "Enter");
  }

  async cuts(): Promise<void> {
    await this.page.click("#cut");
    await this.sees("#link-words", "Cut off by you");
  }

  async restores(): Promise<void> {
    await this.page.click("#cut");
    await this.isConnected();
  }

  isConnected(): Promise<void> {
    return this.sees("#link-words", "Connected");
  }

  presses(name: string): Promise<void> {
    return this.page.getByRole("button", { name, exact: true }).click();
  }

  /** The texts of the log in the document, in order. */
  texts(): Promise<string[]> {
    return this.page.locator("#log .text").allTextContents();
  }

  /** Waits until these are the last texts of the log, once each and in this order. */
  async reads(...texts: readonly string[]): Promise<void> {
    let last: string[] = [];
    await this.until(
      async () => {
        last = (await this.texts()).slice(-texts.length);
        return JSON.stringify(last) === JSON.stringify(texts);
      },
      () => `${JSON.stringify(texts)}; instead: ${JSON.stringify(last)}`,
    );
  }

  /** Waits until an element shows this text. */
  async sees(selector: string, text: string): Promise<void> {
    let last = "";
    await this.until(
      async () => {
        last = (await this.page.locator(selector).allTextContents()).join(" ");
        return last.includes(text) && (await this.isShown(selector));
      },
      () => `"${text}" in ${selector}; it says "${last}"`,
    );
  }

  isShown(selector: string): Promise<boolean> {
    return this.page.locator(selector).first().isVisible();
  }

  /** A row of the log by its text. */
  row(text: string): Locator {
    return this.page.locator("#log .row", { hasText: text });
  }

  /** Polls until the condition holds, because the page cannot call back. */
  async until(isSo: () => Promise<boolean>, what: () => string, ms = DEADLINE_MS): Promise<void> {
    const deadline = Date.now() + ms;
    while (!(await isSo())) {
      if (Date.now() > deadline) throw new Error(`after ${ms} ms still waiting for ${what()}`);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }

  /** @throws the errors that the browser reported */
  async leaves(): Promise<void> {
    await this.page.close();
    this.checkErrors();
  }

  checkErrors(): void {
    if (this.#errors.length > 0) throw new Error(this.#errors.join("\n"));
  }
}
