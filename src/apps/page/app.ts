/**
 * The page: the form to join a room, the room, and the way between the two.
 *
 * Invariants:
 * - One session at a time. Events of an earlier one are not shown.
 * - The address bar names the room, so that the link can be shared. It holds nothing else.
 */
import type { OutboxItem } from "../../client/index.ts";
import { parsePeerName, parseRoomName } from "../../protocol/ids.ts";
import { Preferences } from "./preferences.ts";
import { type Action, causeOf, isPageRefused, sentence } from "./model/status-text.ts";
import { type RoomAddress, RoomSession, type SessionListener } from "./room-session.ts";
import { byId, setText } from "./view/dom.ts";
import { JoinView } from "./view/join-view.ts";
import { KeyDialog } from "./view/key-dialog.ts";
import { makeViews, RoomView } from "./view/room-view.ts";
import { CLOSE } from "../../protocol/close-codes.ts";

/** How often a countdown is rendered. */
const COUNTDOWN_MS = 500;
/** How often a hidden page is rendered. */
const HIDDEN_RENDER_MS = 1_000;

/** Replaces the advice to allow site data, which would not help. */
const INSECURE =
  "The browser saves nothing for a page that comes over http from another machine: a reload loses your key, and messages that are not sent. To keep them, open this page over https, or on localhost.";

export class App {
  readonly #preferences = new Preferences();
  readonly #joinView = new JoinView((address) => this.#joinWithSavedKey(address));
  readonly #keyDialog = new KeyDialog(this.#preferences, () => this.#reopen());
  readonly #views = makeViews(() => this.#current);
  #current: RoomView | undefined;
  /** The storage failed, and the person chose to go on without it. */
  #isStorageOff = false;
  #isRenderScheduled = false;

  start(): void {
    void this.#preferences.restoreKey();
    for (const id of ["join-key", "menu-key"]) {
      byId(id, HTMLButtonElement).addEventListener("click", () => this.#keyDialog.open());
    }
    byId("menu-leave", HTMLButtonElement).addEventListener("click", () => this.#leave(""));
    byId("menu-link", HTMLButtonElement).addEventListener("click", () => void this.#copyLink());
    const warning = byId("storage-trouble", HTMLElement);
    warning.hidden = this.#preferences.isPersistent;
    if (!globalThis.isSecureContext) warning.textContent = INSECURE;
    document.addEventListener("visibilitychange", () => {
      this.#current?.visibilityChanged();
      this.#render();
    });
    addEventListener("hashchange", () => this.#onAddressChange());
    setInterval(() => this.#current?.tick(), COUNTDOWN_MS);
    const room = this.#roomInAddress;
    const name = parsePeerName(this.#preferences.name);
    const isJoined = this.#preferences.isJoined && room !== undefined && name !== undefined;
    if (isJoined) this.#joinWithSavedKey({ room, name });
    else this.#showJoinForm("");
  }

  get #session(): RoomSession | undefined {
    return this.#current?.session;
  }

  get #roomInAddress(): string | undefined {
    try {
      return parseRoomName(decodeURIComponent(location.hash.slice(1)));
    } catch {
      return undefined;
    }
  }

  /** The person edited the address, or went back. */
  #onAddressChange(): void {
    const room = this.#roomInAddress;
    const current = this.#session?.address;
    if (current === undefined) this.#showJoinForm("");
    else if (room === undefined) this.#leave("");
    else if (room !== current.room) this.#openRoom({ ...current, room });
  }

  #showJoinForm(nameError: string): void {
    const { name, room } = this.#preferences;
    this.#showScreen("join");
    document.title = "Chat room";
    this.#joinView.open(
      { room: this.#roomInAddress ?? (room === "" ? "lobby" : room), name },
      nameError,
    );
  }

  #joinWithSavedKey(address: RoomAddress): void {
    void this.#preferences.restoreKey().then(() => this.#openRoom(address));
  }

  #openRoom(address: RoomAddress, carried: readonly OutboxItem[] = []): void {
    const { room, name } = address;
    void this.#session?.close();
    this.#preferences.onJoin(room, name);
    if (this.#roomInAddress !== room) history.pushState(null, "", `#${encodeURIComponent(room)}`);
    const listener: SessionListener = {
      onChange: () => this.#scheduleRender(),
      onMessage: (entry) => view.onMessage(entry),
      onRestored: () => view.onRestored(),
      onWarning: (text) => view.showWarning(text),
    };
    const isPersistent = this.#preferences.isPersistent && !this.#isStorageOff;
    const options = { isPersistent, carried };
    const session = new RoomSession(address, this.#preferences, listener, options);
    const view = new RoomView(session, this.#views, {
      onAction: (action) => this.#onAction(action),
      saveDraft: (draft) => this.#preferences.saveDraft(room, name, draft),
    });
    this.#current = view;
    this.#showScreen("room");
    view.open(this.#preferences.draft(room, name));
  }

  #leave(nameError: string): void {
    void this.#session?.close();
    this.#current = undefined;
    this.#preferences.onLeave();
    this.#showJoinForm(nameError);
  }

  /** Opens the same room with a new session. If the storage failed, the new one gets the outbox. */
  #reopen(): void {
    const session = this.#session;
    if (session === undefined) return;
    const { status } = session;
    const hasFailed = status.type === "closed" && status.code === CLOSE.INTERNAL_ERROR;
    this.#openRoom(session.address, hasFailed ? session.outbox : []);
  }

  #onAction(action: Action): void {
    switch (action) {
      case "use-here":
        if (this.#session?.status.type === "held") this.#session.takeOver();
        else this.#reopen();
        return;
      case "try-again":
        return this.#reopen();
      case "other-name":
        return this.#leave("");
      case "enter-key":
        return this.#keyDialog.open();
      case "reload":
        return location.reload();
      case "keep-nothing":
        this.#isStorageOff = true;
        return this.#reopen();
      default:
        action satisfies never;
    }
  }

  /** The error of a name that belongs to another key: the join form shows it beside the name. */
  #nameError(): string | undefined {
    const session = this.#session;
    if (session === undefined || session.wasLive) return undefined;
    const { status } = session;
    if (status.type !== "closed" || status.code !== CLOSE.FORBIDDEN || isPageRefused(status))
      return undefined;
    return `${sentence(causeOf(status.why))} Choose another name. If the name is yours on another device, enter the key of that device below.`;
  }

  #scheduleRender(): void {
    if (this.#isRenderScheduled) return;
    this.#isRenderScheduled = true;
    const render = (): void => {
      this.#isRenderScheduled = false;
      this.#render();
    };
    if (document.hidden) setTimeout(render, HIDDEN_RENDER_MS);
    else requestAnimationFrame(render);
  }

  #render(): void {
    const nameError = this.#nameError();
    if (nameError !== undefined) this.#leave(nameError);
    else this.#current?.render();
  }

  #showScreen(screen: "join" | "room"): void {
    byId("join", HTMLElement).hidden = screen !== "join";
    byId("room", HTMLElement).hidden = screen !== "room";
  }

  async #copyLink(): Promise<void> {
    const result = byId("menu-told", HTMLElement);
    try {
      await navigator.clipboard.writeText(location.href);
      setText(result, "Copied");
    } catch {
      setText(result, location.href);
    }
  }
}
