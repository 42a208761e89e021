/** A room in the document: gives each view its part of the session. */
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
import { quoteOf } from "../model/contents.ts";
import { MessageActions } from "./message-actions.ts";
import { MessageMenu } from "./message-menu.ts";
import { LogView } from "./log-view.ts";
import { BannerView } from "./banner-view.ts";
import { PeopleView } from "./people-view.ts";

export interface RoomActions {
  readonly onAction: (action: Action) => void;
  readonly saveDraft: (draft: Draft) => void;
}

export class RoomView {
  readonly session: RoomSession;
  readonly actions: RoomActions;
  readonly #views: Views;
  readonly #unread = new Unread();
  #calendar: Calendar | undefined;

  constructor(session: RoomSession, views: Views, actions: RoomActions) {
    this.session = session;
    this.actions = actions;
    this.#views = views;
  }

  open(draft: Draft): void {
    const { room, name } = this.session.address;
    setText(byId("room-title", HTMLElement), room);
    setText(byId("own-name", HTMLElement), name);
    this.#views.log.reset();
    this.#views.menu.close();
    this.#views.composer.draft = draft;
    this.#views.composer.showError("");
    this.#views.composer.focus();
  }

  /** A live message arrived. */
  onMessage(entry: Entry): void {
    if (entry.from === this.session.address.name) return;
    this.#unread.onMessage(entry.seq);
    this.#views.announcer.onMessage(entry);
  }

  /** Renders if the time alone has changed what the page shows. */
  tick(): void {
    const now = Date.now();
    const { status, typing } = this.session;
    const isNewDay = this.#calendar?.isToday(now) === false;
    const isTypingStale =
      typingText(typing.typists(performance.now())) !== byId("typing", HTMLElement).textContent;
    if (status.type === "offline" || isTypingStale || isNewDay) this.render();
  }

  visibilityChanged(): void {
    this.#unread.visibilityChanged(!document.hidden && this.#views.log.follows);
    this.#updateTitle();
    this.#updateNewer();
  }

  /** The room was restored from a backup. */
  onRestored(): void {
    const { composer, menu } = this.#views;
    composer.forgetMessages();
    // An open menu, or the question before an erasure, is about a message of the other history.
    menu.close();
  }

  showWarning(text: string): void {
    this.#views.composer.showError(text);
  }

  render(): void {
    const { session } = this;
    const { status, absence, log, diagnosis } = session;
    const { name } = session.address;
    const now = Date.now();
    const views = this.#views;
    this.#updateCalendar(now);
    if (views.log.follows) log.trim();
    views.log.render({ items: log.items, lines: this.#lines(), edge: edgeOf(session) });
    const state = statusText(status, now);
    views.connection.render(state, status.type === "paused", canCut(status));
    const banner = bannerOf(status, name);
    const isAway = status.type === "offline" || status.type === "connecting";
    const isDiagnosed = isAway && diagnosis !== undefined;
    views.banner.render(isDiagnosed ? { text: diagnosis, actions: ["reload"] } : banner);
    // The banner replaces the summary of a replay, because a small screen has no room for both.
    const isPast = banner !== undefined && absence.phase === "back";
    views.absence.render(isPast ? NONE : absence, session.outbox.length);
    const { people } = session.roster;
    const { to } = views.composer.draft;
    views.people.render({ people, online: session.online, name, addressed: to });
    views.composer.canSend = session.canSend;
    views.composer.limit = session.textLimit;
    views.composer.renderAbout();
    setText(byId("typing", HTMLElement), typingText(session.typing.typists(performance.now())));
    const stateText = status.type === "replaying" ? "" : withoutCountdown(state.text);
    views.announcer.announce(summary(absence) ?? stateText);
    this.#updateTitle();
    this.#updateNewer();
  }

  async send(draft: Draft): Promise<void> {
    const { writer, typing } = this.session;
    typing.onSent();
    if (draft.edit !== undefined) return writer.edit(draft.edit, draft.text);
    this.#views.log.toEnd();
    return writer.send(draft);
  }

  #lines(): ReadonlyMap<number, Line> {
    const { first } = this.#unread;
    const { lines } = this.session;
    if (first === undefined || lines.has(first)) return lines;
    return new Map(lines).set(first, { reason: "unread", text: "New" });
  }

  /** At midnight, the names of days change. */
  #updateCalendar(now: number): void {
    if (this.#calendar?.isToday(now) === true) return;
    this.#calendar = calendar(now);
    this.#views.log.calendar = this.#calendar;
  }

  #updateTitle(): void {
    const { count } = this.#unread;
    const title = `${count > 0 ? `(${count}) ` : ""}${this.session.address.room}`;
    if (document.title !== title) document.title = title;
  }

  #updateNewer(): void {
    const newer = byId("newer", HTMLButtonElement);
    const { count } = this.#unread;
    newer.hidden = this.#views.log.follows;
    setText(newer, count > 0 ? `${count} new` : "To the end");
  }
}

/** The countdown is not announced. */
const withoutCountdown = (text: string): string => text.replace(/: trying again.*/, "");

const canCut = ({ type }: Status): boolean =>
  type !== "closed" && type !== "held" && type !== "handed-over";

function edgeOf({ log, isLoadingHistory, status }: RoomSession): string {
  if (isLoadingHistory) return "Loading older messages";
  if (!log.isComplete) return "";
  if (log.items.length > 0) return "This is the beginning of the room";
  return status.type === "live" ? "No messages yet" : "";
}

/** The views, created once for the page. They act on the current room. */
export interface Views {
  readonly log: LogView;
  readonly connection: ConnectionView;
  readonly absence: AbsenceView;
  readonly banner: BannerView;
  readonly people: PeopleView;
  readonly composer: Composer;
  readonly announcer: Announcer;
  readonly menu: MessageMenu;
}

/** @param current returns the room that is shown; undefined if none is */
export function makeViews(current: () => RoomView | undefined): Views {
  const session = (): RoomSession | undefined => current()?.session;
  const ownName = (): string => session()?.address.name ?? "";
  const announcer = new Announcer();
  const composer = new Composer({
    send: (draft) => current()?.send(draft) ?? Promise.resolve(),
    onChange: (draft) => current()?.actions.saveDraft(draft),
    onRecipients: () => current()?.render(),
    onInput: ({ to, edit }) => {
      if (edit === undefined) session()?.signalTyping(to);
    },
    onUp: () => messages.editLast(),
    quoteOf: (seq) => quoteOf(session()?.log.get(seq), ownName()),
  });
  const log = new LogView(byId("log", HTMLElement), calendar(Date.now()), {
    ownName,
    onName: (name) => composer.toggleRecipient(name),
    onQuote: (seq) => void messages.reveal(seq),
    onReact: (entry, mark, isOn) => messages.react(entry, mark, isOn),
    onMenu: (item, anchor) => menu.open(item, anchor),
    restore: (failed) => messages.restore(failed),
    dismiss: (failed) => session()?.removeFailed(failed),
    onNearStart: () => void session()?.loadOlder(),
    visibilityChanged: () => current()?.visibilityChanged(),
  });
  const messages = new MessageActions({
    session,
    render: () => current()?.render(),
    composer,
    log,
    announcer,
  });
  const menu = new MessageMenu({
    ownName,
    canReact: () => (session()?.dataLimit ?? 0) > 0,
    editableFrom: () => session()?.editableFrom ?? Infinity,
    onReact: ({ entry }, mark, isOn) => messages.react(entry, mark, isOn),
    onReply: (item) => messages.reply(item),
    onEdit: (item) => messages.edit(item),
    onErase: (item) => messages.erase(item),
    onFocusLost: ({ seq }) => log.focusMenu(seq),
  });
  byId("newer", HTMLButtonElement).addEventListener("click", () => log.toEnd());
  const connection = new ConnectionView({
    onRetry: () => session()?.resume(),
    onSwitch: () => {
      if (session()?.status.type === "paused") session()?.resume();
      else session()?.pause();
    },
  });
  return {
    log,
    connection,
    composer,
    absence: new AbsenceView(() => session()?.dismissAbsence()),
    banner: new BannerView((action) => current()?.actions.onAction(action)),
    people: new PeopleView((name, isCovering) => composer.toggleRecipient(name, !isCovering)),
    announcer,
    menu,
  };
}
