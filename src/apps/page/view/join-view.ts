/** The form in which a person chooses a room and a name. */
import { NAME_GRAMMAR, parsePeerName, parseRoomName } from "../../../protocol/ids.ts";
import type { RoomAddress } from "../room-session.ts";
import { byId, setText } from "./dom.ts";

export class JoinView {
  readonly #form = byId("join-form", HTMLFormElement);
  readonly #room = byId("join-room", HTMLInputElement);
  readonly #name = byId("join-name", HTMLInputElement);

  constructor(onJoin: (address: RoomAddress) => void) {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      const address = this.#read();
      if (address !== undefined) onJoin(address);
    });
    for (const input of [this.#room, this.#name]) {
      input.addEventListener("input", () => this.#showError(input, ""));
    }
  }

  /** @param nameError a sentence beside the name; empty if there is none */
  open({ room, name }: RoomAddress, nameError: string): void {
    this.#room.value = room;
    this.#name.value = name;
    this.#showError(this.#room, "");
    this.#showError(this.#name, nameError);
    const first = room === "" ? this.#room : this.#name;
    first.focus();
    first.select();
  }

  #read(): RoomAddress | undefined {
    const room = parseRoomName(this.#room.value.trim());
    const name = parsePeerName(this.#name.value.trim());
    this.#showError(this.#room, room === undefined ? grammar("room") : "");
    this.#showError(this.#name, name === undefined ? grammar("person") : "");
    if (room === undefined) this.#room.focus();
    else if (name === undefined) this.#name.focus();
    else return { room, name };
    return undefined;
  }

  #showError(input: HTMLInputElement, text: string): void {
    setText(byId(`${input.id}-trouble`, HTMLElement), text);
    input.ariaInvalid = String(text !== "");
  }
}

const grammar = (what: string): string =>
  `${NAME_GRAMMAR.replace("a name", `The name of a ${what}`)}.`;
