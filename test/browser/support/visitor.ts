/**
 * People at the page, who read like people: `alice.says("hi")`, `await bob.reads("hi")`, `bob.cuts()`.
 *
 * Invariant: what the browser complains of, a script that fails or a rule of the Content-Security-Policy that was
 * broken, is thrown when the visitor leaves.
 */
import type { BrowserContext, Locator, Page } from "playwright-core";

/** For a machine that has other things to do. */
const DEADLINE_MS = 30_000;

export class Visitor {
  readonly page: Page;
  /** Addresses of everything that the page asked for. */
  readonly asked: string[] = [];
  readonly #complaints: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.setDefaultTimeout(DEADLINE_MS);
    page.on("pageerror", (error) => this.#complaints.push(error.stack ?? error.message));
    page.on("console", (message) => {
      // A link that breaks is told there by the browser itself.
      const isOfLink = /WebSocket connection|Failed to load resource/.test(message.text());
      if (message.type() === "error" && !isOfLink) this.#complaints.push(message.text());
    });
    page.on("request", (request) => this.asked.push(request.url()));
    page.on("websocket", (socket) => this.asked.push(socket.url()));
  }

  /** Opens the page. @param device one browser; its tabs share what it keeps */
  static async comes(device: BrowserContext, url: string): Promise<Visitor> {
    const visitor = new Visitor(await device.newPage());
    await visitor.page.goto(url);
    return visitor;
  }

  /** Opens the page, and joins by the form. */
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
    await this.isTold("#link-words", "Cut off, by you");
  }

  async restores(): Promise<void> {
    await this.page.click("#cut");
    await this.isConnected();
  }

  isConnected(): Promise<void> {
    return this.isTold("#link-words", "Connected");
  }

  presses(name: string): Promise<void> {
    return this.page.getByRole("button", { name, exact: true }).click();
  }

  /** The texts in the document, in order. */
  texts(): Promise<string[]> {
    return this.page.locator("#log .text").allTextContents();
  }

  /** Waits until these are the last texts, once each and in this order. */
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

  /** Waits until a part of the page shows this. */
  async isTold(selector: string, text: string): Promise<void> {
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

  /** A row of the log by what it says. */
  row(text: string): Locator {
    return this.page.locator("#log .row", { hasText: text });
  }

  /** Looks again until it is so; the page is asked, because it has nothing to call back with. */
  async until(look: () => Promise<boolean>, what: () => string, ms = DEADLINE_MS): Promise<void> {
    const deadline = Date.now() + ms;
    while (!(await look())) {
      if (Date.now() > deadline) throw new Error(`after ${ms} ms still waiting for ${what()}`);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }

  /** @throws what the browser complained of */
  async leaves(): Promise<void> {
    await this.page.close();
    this.isContent();
  }

  isContent(): void {
    if (this.#complaints.length > 0) throw new Error(this.#complaints.join("\n"));
  }
}
