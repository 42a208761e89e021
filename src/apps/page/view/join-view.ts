/** Choosing a room and a name. */
import { NAME_GRAMMAR, parsePeerName, parseRoomName } from "../../../protocol/ids.ts";
import type { RoomAddress } from "../room-session.ts";
import { byId, setText } from "./dom.ts";

export class JoinView {
  readonly #form = byId("join-form", HTMLFormElement);
  readonly #room = byId("join-room", HTMLInputElement);
  readonly #name = byId("join-name", HTMLInputElement);

  constructor(join: (place: RoomAddress) => void) {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      const place = this.#read();
      if (place !== undefined) join(place);
    });
    for (const input of [this.#room, this.#name]) {
      input.addEventListener("input", () => this.#complain(input, ""));
    }
  }

  /** @param complaint about the name; empty if there is none */
  open({ room, name }: RoomAddress, complaint: string): void {
    this.#room.value = room;
    this.#name.value = name;
    this.#complain(this.#room, "");
    this.#complain(this.#name, complaint);
    const first = room === "" ? this.#room : this.#name;
    first.focus();
    first.select();
  }

  #read(): RoomAddress | undefined {
    const room = parseRoomName(this.#room.value.trim());
    const name = parsePeerName(this.#name.value.trim());
    this.#complain(this.#room, room === undefined ? grammar("room") : "");
    this.#complain(this.#name, name === undefined ? grammar("person") : "");
    if (room === undefined) this.#room.focus();
    else if (name === undefined) this.#name.focus();
    else return { room, name };
    return undefined;
  }

  #complain(input: HTMLInputElement, text: string): void {
    const place = byId(`${input.id}-trouble`, HTMLElement);
    setText(place, text);
    input.ariaInvalid = String(text !== "");
  }
}

const grammar = (what: string): string =>
  `${NAME_GRAMMAR.replace("a name", `The name of a ${what}`)}.`;
