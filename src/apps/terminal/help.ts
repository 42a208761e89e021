/** The text of `--help`, and of `/help`. */

export const HELP = `A chat room that loses nothing, in your terminal.

  chat NAME [ROOM]                      talk; the default room is "lobby"
  echo 'bob: hi' | chat NAME [ROOM]     send, wait until it is stored, and leave

  --url URL          the server; the default is http://localhost:8787. A path goes
                     before /rooms. The default scheme is https, and http for this
                     computer
  --key KEY          proves that NAME is yours: a name belongs to the first key it
                     was used with. Anyone on this computer can read a key on a
                     command line (ps): put it into CHAT_KEY instead
  --since SEQ        show the messages after this position again; --json prints
                     positions; 0 shows all stored messages that concern you
  --numbers          begin each message with its number, for /reply, /edit, /erase
  --json             print one JSON object per line; standard input may also have
                     lines like {"text":"hi\\nthere","to":["bob"]}; without "to"
                     they go to everyone. "ref" refers to a message by its number
                     ("seq" in the output), "data" attaches an object, and
                     "quiet":true disturbs nobody. {"edit":41,"text":"new"} changes
                     message 41, {"erase":41} erases it
  --timeout SECONDS  how long to wait for an unreachable or silent room when not at
                     a terminal; the default is 30, and 0 means no limit
  --help, --version

In the room, and on standard input:

  bob, carol: hi     sends to bob and carol; waits for them if they are away
  *: hi              sends to everyone the room knows
  hi                 the same, at a terminal only; asks the first time
  /who [NAME]        lists who is here and who is away, from NAME on
  /history [N]       shows the last N messages with their numbers, 1 to 100; the default
                     is 50
  /reply #41 TEXT    answers message 41: to everyone if that was, else to those who
                     have it
  /edit [#41] TEXT   changes message 41; without a number your last one, unless that
                     still waits to be sent
  /erase [#41]       erases it, for good and for everyone who has it
  /react #41 MARK    puts a mark on a message, such as 👍; "off" after it takes it back
  /help  /quit       Tab completes names; a paste is one message, with its line breaks

Your messages are kept on disk until the room has stored them: if the room is out of
reach or this program crashes, they are sent when you come back. Messages that came
for you meanwhile are shown, also when you only send. The files are in
$XDG_STATE_HOME/chat-room, or ~/.local/state/chat-room.

CHAT_KEY holds the key; NO_COLOR=1 turns colours off.

Exit codes:
  0   every message was confirmed
  1   a message was rejected and went to nobody
  2   the command line is invalid
  3   the room was not reached in time, or the server is not a chat room;
      unconfirmed messages are kept and sent first next time: do not send them again
  4   access was denied, or the room closed the connection: a wrong key, or another
      connection with your name
  5   it is unknown whether a message was stored; it is not resent automatically
  6   another process uses NAME, or the record cannot be written
  70  a bug in this program
`;

export const ROOM_HELP: readonly string[] = [
  'bob, carol: hi    sends "hi" to bob and carol; waits for them if they are away',
  "*: hi             sends to everyone the room knows",
  "hi                the same; asks the first time",
  "/who [name]       lists who is here and who is away, from a name on",
  "/history [n]      shows the last n messages with their numbers, 1 to 100; the default is 50",
  "/reply #41 text   answers message 41: to everyone if that was, else to those who have it",
  "/edit [#41] text  changes message 41; without a number your last one",
  "/erase [#41]      erases it, for good and for everyone who has it",
  '/react #41 mark   puts a mark on a message, such as 👍; "off" after it takes it back',
  "/help             shows this",
  "/quit             leaves; messages for you wait until you come back",
  "Tab               completes a name",
  "a paste           is one message, never a command; ␤ is a line break in it",
];
