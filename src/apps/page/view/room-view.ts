/** A room in the document: gives each view its part of what a stay knows. */
import type { Entry } from "../../../client/index.ts";
import type { Draft } from "../preferences.ts";
import { NONE, summary } from "../model/absence.ts";
import { type Calendar, calendar, type Line } from "../model/rows.ts";
import { Unread } from "../model/unread.ts";
import {
  type Action,
  bannerOf,
  type Status,
  typingText,
  statusText,
} from "../model/status-text.ts";
import type { RoomSession } from "../room-session.ts";
import { AbsenceView } from "./absence-view.ts";
import { Announcer } from "./announcer.ts";
import { Composer } from "./composer.ts";
import { byId, setText } from "./dom.ts";
import { ConnectionView } from "./connection-view.ts";
import { LogView } from "./log-view.ts";
import { BannerView } from "./banner-view.ts";
import { PeopleView } from "./people-view.ts";

export interface RoomActions {
  readonly chosen: (action: Action) => void;
  readonly keepDraft: (draft: Draft) => void;
}

export class RoomView {
  readonly #room: RoomSession;
  readonly #actions: RoomActions;
  readonly #views: Views;
  readonly #unread = new Unread();
  #calendar: Calendar | undefined;

  constructor(room: RoomSession, views: Views, actions: RoomActions) {
    this.#room = room;
    this.#views = views;
    this.#actions = actions;
  }

  open(draft: Draft): void {
    const { room, name } = this.#room.place;
    setText(byId("room-title", HTMLElement), room);
    setText(byId("own-name", HTMLElement), name);
    this.#views.log.reset();
    this.#views.composer.draft = draft;
    this.#views.composer.warn("");
    this.#views.composer.focus();
  }

  /** Somebody said something, as it is said. */
  onMessage(entry: Entry): void {
    if (entry.from === this.#room.place.name) return;
    this.#unread.arrives(entry.seq);
    this.#views.announcer.onMessage(entry);
  }

  /** Time went by: is something to be seen of it? */
  tick(): void {
    const now = Date.now();
    const { status, typing } = this.#room;
    const isNewDay = this.#calendar?.isToday(now) === false;
    const typed =
      typingText(typing.at(performance.now())) !== byId("typing", HTMLElement).textContent;
    if (status.type === "offline" || typed || isNewDay) this.render();
  }

  visibilityChanged(): void {
    this.#unread.visibilityChanged(!document.hidden && this.#views.log.follows);
    this.#title();
    this.#newer();
  }

  warned(text: string): void {
    this.#views.composer.warn(text);
  }

  render(): void {
    const room = this.#room;
    const { status, absence, log } = room;
    const { name } = room.place;
    const now = Date.now();
    const views = this.#views;
    this.#today(now);
    if (views.log.follows) log.trim();
    const edge = edgeOf(room);
    views.log.render({ items: log.items, lines: this.#lines(), edge });
    const words = statusText(status, now);
    const isAway = status.type === "offline" || status.type === "connecting";
    const diagnosed = isAway && room.diagnosis !== undefined;
    views.link.render(words, status.type === "paused", canCut(status));
    const notice = bannerOf(status, name);
    views.notice.render(diagnosed ? { text: room.diagnosis ?? "", actions: ["reload"] } : notice);
    // What a return brought is of the past once something else stands in the way; on a small screen both have no place.
    const isPast = notice !== undefined && absence.phase === "back";
    views.absence.render(isPast ? NONE : absence, room.waiting.length);
    const { people } = room.roster;
    const { to } = views.composer.draft;
    views.people.render({ people, online: room.online, name, addressed: to });
    views.composer.canSend = room.canSend;
    views.composer.limit = room.textLimit;
    setText(byId("typing", HTMLElement), typingText(room.typing.at(performance.now())));
    views.announcer.says(
      summary(absence) ?? (status.type === "replaying" ? "" : plain(words.text)),
    );
    this.#title();
    this.#newer();
  }

  say({ text, to }: Draft): Promise<void> {
    this.#views.log.toEnd();
    return this.#room.say(text, to);
  }

  typed({ to }: Draft): void {
    this.#room.types(to);
  }

  keepDraft(draft: Draft): void {
    this.#actions.keepDraft(draft);
  }

  chosen(action: Action): void {
    this.#actions.chosen(action);
  }

  get room(): RoomSession {
    return this.#room;
  }

  #lines(): ReadonlyMap<number, Line> {
    const { first } = this.#unread;
    if (first === undefined || this.#room.lines.has(first)) return this.#room.lines;
    return new Map(this.#room.lines).set(first, { about: "unread", text: "New" });
  }

  /** Days have names that change at midnight. */
  #today(now: number): void {
    if (this.#calendar?.isToday(now) === true) return;
    this.#calendar = calendar(now);
    this.#views.log.calendar = this.#calendar;
  }

  #title(): void {
    const { count } = this.#unread;
    const title = `${count > 0 ? `(${count}) ` : ""}${this.#room.place.room}`;
    if (document.title !== title) document.title = title;
  }

  #newer(): void {
    const newer = byId("newer", HTMLButtonElement);
    const { count } = this.#unread;
    newer.hidden = this.#views.log.follows;
    setText(newer, count > 0 ? `${count} new` : "To the end");
  }
}

/** Without the countdown, which nobody wants to hear. */
const plain = (text: string): string => text.replace(/: trying again.*/, "");

const canCut = ({ type }: Status): boolean =>
  type !== "closed" && type !== "held" && type !== "given";

function edgeOf({ log, isAsking, status }: RoomSession): string {
  if (isAsking) return "Looking further back";
  if (!log.isWhole) return "";
  if (log.items.length > 0) return "This is where the room begins";
  return status.type === "live" ? "Nothing has been said here yet" : "";
}

/** The views, made once for the page: they act on the room that is shown. */
export interface Views {
  readonly log: LogView;
  readonly link: ConnectionView;
  readonly absence: AbsenceView;
  readonly notice: BannerView;
  readonly people: PeopleView;
  readonly composer: Composer;
  readonly announcer: Announcer;
}

/** @param shown the room that is shown; undefined if none is */
export function makeViews(shown: () => RoomView | undefined): Views {
  const composer = new Composer({
    say: (draft) => shown()?.say(draft) ?? Promise.resolve(),
    changed: (draft) => shown()?.keepDraft(draft),
    addressed: () => shown()?.render(),
    typed: (draft) => shown()?.typed(draft),
  });
  const log = new LogView(byId("log", HTMLElement), calendar(Date.now()), {
    own: () => shown()?.room.place.name ?? "",
    address: (name) => composer.toggle(name),
    takeBack: (trouble) => {
      const { text, to = [] } = trouble.unsent;
      composer.takeBack({ text, to });
      shown()?.room.settle(trouble);
    },
    dismiss: (trouble) => shown()?.room.settle(trouble),
    wantsMore: () => void shown()?.room.past(),
    visibilityChanged: () => shown()?.visibilityChanged(),
  });
  byId("newer", HTMLButtonElement).addEventListener("click", () => log.toEnd());
  const link = new ConnectionView({
    tryNow: () => shown()?.room.resume(),
    toggle: () => {
      const room = shown()?.room;
      if (room?.status.type === "paused") room.resume();
      else room?.cut();
    },
  });
  return {
    log,
    link,
    composer,
    absence: new AbsenceView(() => shown()?.room.dismissAbsence()),
    notice: new BannerView((action) => shown()?.chosen(action)),
    people: new PeopleView((name, isCovering) => composer.toggle(name, !isCovering)),
    announcer: new Announcer(),
  };
}
