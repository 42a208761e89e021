/** The text of `--help`, and of `/help`. */

export const HELP = `A chat room that loses nothing, in your terminal.

  chat NAME [ROOM]                      talk; the room is "lobby" if you do not say
  echo 'bob: hi' | chat NAME [ROOM]     send, wait until the room has it, and leave

  --url URL          where the room is; http://localhost:8787 if you do not say. A path
                     goes before /rooms; without a scheme it is https, on this
                     computer http
  --key KEY          proves that NAME is yours: a name belongs to the first key it
                     was used with. A key on a command line can be read by anyone
                     on this computer (ps): put it into CHAT_KEY instead
  --since SEQ        show again what came after this position, which --json tells;
                     0: all that still concerns you
  --json             one JSON object per line instead of lines for people; on standard
                     input lines like {"text":"hi\\nthere","to":["bob"]} too,
                     without "to" to everyone
  --timeout SECONDS  how long the room may be out of reach or silent when this is not
                     at a terminal; 30 if you do not say, 0 for ever
  --help, --version

In the room, and on standard input:

  bob, carol: hi     to bob and carol; it waits for them if they are away
  *: hi              to everyone the room knows
  hi                 the same at a terminal, after a question the first time
  /who [NAME]        who is here, and who is away; from NAME on
  /history [N]       the last N messages, 1 to 100, 50 if you do not say
  /help  /quit       Tab completes names; a paste is one message, with its line breaks

What you send is kept on disk until the room has it: without the room it waits, and
goes out when you come back, after a crash too. What came for you meanwhile is shown
(also when you only send). It is kept in $XDG_STATE_HOME/chat-room, or
~/.local/state/chat-room.

CHAT_KEY is the key; NO_COLOR=1 turns colours off.

It exits with
  0   all is well: every message was confirmed
  1   a message was refused: it went to nobody
  2   the command line cannot work
  3   the room was not reached in time, or is no chat room;
      what was not confirmed is kept and goes first next time: do not send it again
  4   you were not let in, or put out: a wrong key, another connection with your name
  5   it cannot be known whether a message was stored; it is not sent again by itself
  6   another process is NAME, or the disk does not take the record
  70  a bug of this program
`;

export const ROOM_HELP: readonly string[] = [
  'bob, carol: hi    sends "hi" to bob and carol; it waits for them if they are away',
  "*: hi             sends to everyone the room knows",
  "hi                the same, after a question the first time",
  "/who [name]       who is here, and who is away; from a name on",
  "/history [n]      the last n messages, 1 to 100, 50 if you do not say",
  "/help             this",
  "/quit             leaves; what comes meanwhile waits for you",
  "Tab               completes a name",
  "a paste           is one message, never a command; ␤ is a line break in it",
];
