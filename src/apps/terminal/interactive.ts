/** Interactive mode: runs at a terminal until the person leaves or the room closes the connection. */
import type { ReadStream } from "node:tty";
import type { ChatClient, ClientState } from "../../client/index.ts";
import { complete } from "./completion.ts";
import { ConnectionProblems, whyClosed } from "./connection-problem.ts";
import { ChatSession } from "./session.ts";
import { EXIT, type Exit, exitOfClose } from "./exit.ts";
import { type Input, readInput } from "./input.ts";
import type { TerminalOutput } from "./keyboard.ts";
import { dim, paintName } from "./colours.ts";
import { render, statusOf } from "./render.ts";
import type { OutputItem } from "./output.ts";
import { Screen } from "./screen.ts";
import { CLOSE } from "../../protocol/close-codes.ts";

/** How often the countdown in the status line is redrawn. */
const TICK_MS = 1_000;

const CONFIRM_TO_EVERYONE =
  'to everyone? Press Enter again to send this and later plain text to everyone, or put "bob: " before it';

interface Terminal {
  readonly input: ReadStream;
  readonly output: TerminalOutput;
  readonly colour: boolean;
  readonly numbers: boolean;
  readonly url: URL;
  readonly hasKey: boolean;
  /** Resolved when a signal or a closed stream ends the program. */
  readonly terminated: Promise<Exit>;
}

/** Resolves after the client is closed. @returns the exit code */
export async function runInteractive(client: ChatClient, terminal: Terminal): Promise<Exit> {
  const { input, output, colour, numbers, url, hasKey, terminated } = terminal;
  const style = { colour, numbers, me: client.name };
  const finished = Promise.withResolvers<Exit>();
  let lastError = "";
  /** The person has confirmed once that plain text goes to everyone. */
  let isToAll = false;
  /** The plain text that waits for confirmation and is back in the line. */
  let pending: string | undefined;

  const screen = new Screen({
    input,
    output,
    prompt: `${paintName(client.name, style)}> `,
    complete: (line) => complete(line, session.names()),
    onLine: (line, isPasted) => {
      execute(readInput(line, isPasted), isPasted);
      refresh();
    },
    onQuit: () => finished.resolve(EXIT.success),
  });

  const notice = (message: string): void => show({ type: "error", message });
  const show = (item: OutputItem): void => {
    if (item.type === "error") lastError = item.message;
    screen.print(render(item, style));
    if (item.type === "state") onState(item.state);
  };
  const refresh = (): void => {
    const status = statusOf(client.state, client.waiting, Date.now());
    screen.status(status === undefined ? undefined : dim(status, style));
  };
  const onState = (state: ClientState): void => {
    refresh();
    problems.onState(state);
    if (state.type === "closed" && state.code !== CLOSE.NORMAL) {
      if (state.why !== lastError) notice(whyClosed(state, hasKey));
      finished.resolve(exitOfClose(state.code));
    }
  };
  /** Shows why handshakes fail, and ends the program if no retry can succeed. */
  const problems = new ConnectionProblems(url, client.room, ({ type, why }) => {
    notice(why);
    if (type === "wrong-server") finished.resolve(EXIT.unreachable);
  });
  const execute = (command: Input, isPasted: boolean): void => {
    const confirmed = pending;
    pending = undefined;
    switch (command.type) {
      case "plain": {
        const { text } = command;
        if (!isToAll && confirmed !== text) {
          pending = text;
          notice(CONFIRM_TO_EVERYONE);
          return screen.insert(text, isPasted);
        }
        isToAll = true;
        return void session.send({ type: "send", text }).catch(() => {});
      }
      case "send":
        // The session has already shown the error.
        return void session.send(command).catch(() => {});
      case "edit":
      case "erase":
      case "reply":
      case "react":
        return void session.changes.execute(command).catch(() => {});
      case "who":
      case "history":
        return void session.query(command);
      case "help":
        return show({ type: "help" });
      case "invalid":
        return notice(command.why);
      case "quit":
        return finished.resolve(EXIT.success);
      case "empty":
        return;
      default:
        command satisfies never;
    }
  };

  const session = new ChatSession(client, show);
  // A storage error closes the client before the listeners are added.
  onState(client.state);
  const timer = setInterval(refresh, TICK_MS);
  const exit = await Promise.race([finished.promise, terminated]);
  clearInterval(timer);
  screen.close();
  await client.close();
  const { waiting } = client;
  if (waiting > 0) {
    const what = waiting === 1 ? "1 message waits" : `${waiting} messages wait`;
    output.write(`* ${what} to be sent when you come back\n`);
  }
  return exit;
}
