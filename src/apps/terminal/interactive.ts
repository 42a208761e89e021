/** At a terminal: a person talks until they leave, or the room puts them out. */
import type { ReadStream } from "node:tty";
import type { ChatClient, ClientState } from "../../client/index.ts";
import { complete } from "./completion.ts";
import { ConnectionProblems } from "./connection-problem.ts";
import { ChatSession } from "./session.ts";
import { EXIT, type Exit, exitOfClose } from "./exit.ts";
import { type Input, readInput } from "./input.ts";
import type { Output } from "./keyboard.ts";
import { dim, paintName, render, statusOf } from "./render.ts";
import type { OutputItem } from "./output.ts";
import { Screen } from "./screen.ts";
import { CLOSE } from "../../protocol/close-codes.ts";

/** How often the seconds of the status are counted down. */
const TICK_MS = 1_000;

const TO_EVERYONE =
  'to everyone? Enter once more sends it so, and plain text from then on; or put "bob: " before it';

interface Terminal {
  readonly input: ReadStream;
  readonly output: Output;
  readonly colour: boolean;
  readonly url: URL;
  /** Resolved when the program is told to end from outside. */
  readonly told: Promise<Exit>;
}

/** @returns when it is over; the client is closed then */
export async function runInteractive(client: ChatClient, terminal: Terminal): Promise<Exit> {
  const { input, output, colour, url, told } = terminal;
  const style = { colour, me: client.name };
  const over = Promise.withResolvers<Exit>();
  let lastError = "";
  /** Plain text goes to everyone, as was answered once. */
  let isForAll = false;
  /** What was asked about, and stands in the line again. */
  let asked: string | undefined;

  const screen = new Screen({
    input,
    output,
    prompt: `${paintName(client.name, style)}> `,
    complete: (line) => complete(line, conversation.names()),
    onLine: (line, isText) => {
      act(readInput(line, isText), isText);
      refresh();
    },
    onQuit: () => over.resolve(EXIT.fine),
  });

  const notice = (message: string): void => say({ type: "error", message });
  const say = (saying: OutputItem): void => {
    if (saying.type === "error") lastError = saying.message;
    screen.print(render(saying, style));
    if (saying.type === "state") onState(saying.state);
  };
  const refresh = (): void => {
    const status = statusOf(client.state, client.waiting, Date.now());
    screen.status(status === undefined ? undefined : dim(status, style));
  };
  const onState = (state: ClientState): void => {
    refresh();
    problems.onState(state);
    if (state.type === "closed" && state.code !== CLOSE.NORMAL) {
      if (state.why !== lastError) notice(state.why);
      over.resolve(exitOfClose(state.code));
    }
  };
  /** Says why handshakes fail, and ends if they would fail for ever. */
  const problems = new ConnectionProblems(url, client.room, ({ type, why }) => {
    notice(why);
    if (type === "wrong-server") over.resolve(EXIT.unreachable);
  });
  const act = (wish: Input, isText: boolean): void => {
    const before = asked;
    asked = undefined;
    switch (wish.type) {
      case "plain": {
        const { text } = wish;
        if (!isForAll && before !== text) {
          asked = text;
          notice(TO_EVERYONE);
          return screen.put(text, isText);
        }
        isForAll = true;
        return void conversation.send({ type: "send", text }).catch(() => {});
      }
      case "send":
        // What went wrong with it has been said.
        return void conversation.send(wish).catch(() => {});
      case "who":
      case "history":
        return void conversation.ask(wish);
      case "help":
        return say({ type: "help" });
      case "wrong":
        return notice(wish.why);
      case "quit":
        return over.resolve(EXIT.fine);
      case "nothing":
        return;
      default:
        wish satisfies never;
    }
  };

  const conversation = new ChatSession(client, say);
  // A record that cannot be had closes the client before anyone listens.
  onState(client.state);
  const timer = setInterval(refresh, TICK_MS);
  const exit = await Promise.race([over.promise, told]);
  clearInterval(timer);
  screen.close();
  await client.close();
  const { waiting } = client;
  if (waiting > 0) {
    const what = waiting === 1 ? "1 message waits" : `${waiting} messages wait`;
    output.write(`* ${what} here, and will go out when you come back\n`);
  }
  return exit;
}
