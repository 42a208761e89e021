/**
 * The page: choosing a room, being in one, and the way between the two.
 *
 * Invariants:
 * - One stay at a time; what an earlier one still tells is not shown.
 * - The address names the room, so that it can be shared, and nothing else.
 */
import type { OutboxMessage } from "../../client/index.ts";
import { parsePeerName, parseRoomName } from "../../protocol/ids.ts";
import { Preferences } from "./preferences.ts";
import { type Action, causeOf, isPageRefused, sentence } from "./model/status-text.ts";
import { type RoomAddress, RoomSession } from "./room-session.ts";
import { byId, setText } from "./view/dom.ts";
import { JoinView } from "./view/join-view.ts";
import { KeyDialog } from "./view/key-dialog.ts";
import { makeViews, RoomView } from "./view/room-view.ts";
import { CLOSE } from "../../protocol/close-codes.ts";

/** How often a countdown is drawn anew. */
const TICK_MS = 500;
/** How often a page that nobody sees is drawn. */
const HIDDEN_MS = 1_000;

/** What a page that came over http from another machine says in place of the advice to allow site data. */
const INSECURE =
  "A browser keeps nothing for a page that comes over http from another machine: a reload forgets your key, and what you wrote and did not send. To keep them, open this page over https, or on localhost.";

export class App {
  readonly #preferences = new Preferences();
  readonly #join = new JoinView((place) => this.#enterRestored(place));
  readonly #keys = new KeyDialog(this.#preferences, () => this.#again());
  readonly #views = makeViews(() => this.#shown);
  #shown: RoomView | undefined;
  /** The storage failed, and the person goes on without it. */
  #keepsNothing = false;
  #isDue = false;

  start(): void {
    void this.#preferences.restored();
    for (const id of ["join-key", "menu-key"]) {
      byId(id, HTMLButtonElement).addEventListener("click", () => this.#keys.open());
    }
    byId("menu-leave", HTMLButtonElement).addEventListener("click", () => this.#leave(""));
    byId("menu-link", HTMLButtonElement).addEventListener("click", () => void this.#copyLink());
    const trouble = byId("storage-trouble", HTMLElement);
    trouble.hidden = this.#preferences.isKept;
    if (!globalThis.isSecureContext) trouble.textContent = INSECURE;
    document.addEventListener("visibilitychange", () => {
      this.#shown?.visibilityChanged();
      this.#draw();
    });
    addEventListener("hashchange", () => this.#addressed());
    setInterval(() => this.#shown?.tick(), TICK_MS);
    const { room, name, isIn } = { room: this.#addressedRoom, ...this.#remembered };
    if (isIn && room !== undefined && name !== undefined) this.#enterRestored({ room, name });
    else this.#choose("");
  }

  get #remembered(): { readonly name: string | undefined; readonly isIn: boolean } {
    return { name: parsePeerName(this.#preferences.name), isIn: this.#preferences.isIn };
  }

  get #addressedRoom(): string | undefined {
    try {
      return parseRoomName(decodeURIComponent(location.hash.slice(1)));
    } catch {
      return undefined;
    }
  }

  /** The address was changed by hand, or by going back. */
  #addressed(): void {
    const room = this.#addressedRoom;
    const place = this.#shown?.room.place;
    if (place === undefined) this.#choose("");
    else if (room === undefined) this.#leave("");
    else if (room !== place.room) this.#enter({ ...place, room });
  }

  #choose(complaint: string): void {
    const { name, room } = this.#preferences;
    this.#see("join");
    document.title = "Chat room";
    this.#join.open(
      { room: this.#addressedRoom ?? (room === "" ? "lobby" : room), name },
      complaint,
    );
  }

  /** Enters with the key that is on the disk. */
  #enterRestored(place: RoomAddress): void {
    void this.#preferences.restored().then(() => this.#enter(place));
  }

  #enter(place: RoomAddress, carried: readonly OutboxMessage[] = []): void {
    void this.#shown?.room.end();
    this.#preferences.joined(place.room, place.name);
    if (this.#addressedRoom !== place.room) {
      history.pushState(null, "", `#${encodeURIComponent(place.room)}`);
    }
    const listener = {
      onChange: () => this.#changed(),
      onMessage: (entry: Parameters<RoomView["onMessage"]>[0]) => view.onMessage(entry),
      onWarning: (text: string) => view.warned(text),
    };
    const keeps = this.#preferences.isKept && !this.#keepsNothing;
    const room = new RoomSession(place, this.#preferences, listener, { keeps, carried });
    const view = new RoomView(room, this.#views, {
      chosen: (action) => this.#chosen(action),
      keepDraft: (draft) => this.#preferences.keepDraft(place.room, place.name, draft),
    });
    this.#shown = view;
    this.#see("room");
    view.open(this.#preferences.draft(place.room, place.name));
  }

  #leave(complaint: string): void {
    void this.#shown?.room.end();
    this.#shown = undefined;
    this.#preferences.left();
    this.#choose(complaint);
  }

  /** The same place, from the beginning; what waited when the storage failed comes along. */
  #again(): void {
    const room = this.#shown?.room;
    if (room === undefined) return;
    const { status } = room;
    const hasFailed = status.type === "closed" && status.code === CLOSE.INTERNAL_ERROR;
    this.#enter(room.place, hasFailed ? room.waiting : []);
  }

  #chosen(action: Action): void {
    switch (action) {
      case "use-here":
        if (this.#shown?.room.status.type === "held") this.#shown.room.takeOver();
        else this.#again();
        return;
      case "try-again":
        return this.#again();
      case "other-name":
        return this.#leave("");
      case "enter-key":
        return this.#keys.open();
      case "reload":
        return location.reload();
      case "keep-nothing":
        this.#keepsNothing = true;
        return this.#again();
      default:
        action satisfies never;
    }
  }

  /** A name that is not had is told where it was chosen. */
  #turnedAway(): string | undefined {
    const room = this.#shown?.room;
    if (room === undefined || room.wasLive) return undefined;
    const { status } = room;
    if (status.type !== "closed" || status.code !== CLOSE.FORBIDDEN || isPageRefused(status))
      return undefined;
    return `${sentence(causeOf(status.why))} Choose another name; or, if it is yours on another device, enter that one's key below.`;
  }

  #changed(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    const draw = (): void => {
      this.#isDue = false;
      this.#draw();
    };
    if (document.hidden) setTimeout(draw, HIDDEN_MS);
    else requestAnimationFrame(draw);
  }

  #draw(): void {
    const complaint = this.#turnedAway();
    if (complaint !== undefined) this.#leave(complaint);
    else this.#shown?.render();
  }

  #see(screen: "join" | "room"): void {
    byId("join", HTMLElement).hidden = screen !== "join";
    byId("room", HTMLElement).hidden = screen !== "room";
  }

  async #copyLink(): Promise<void> {
    const said = byId("menu-told", HTMLElement);
    try {
      await navigator.clipboard.writeText(location.href);
      setText(said, "Copied");
    } catch {
      setText(said, location.href);
    }
  }
}
