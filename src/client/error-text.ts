/**
 * Refusals of a room as text for people. A sentence on the wire begins with a field, for authors of clients; authors of
 * messages know no fields.
 *
 * Invariant: the text contains no name of a field or of a frame.
 */

const FIELD =
  /^(frame|type|id|text|to|seq|data|before|after|limit|since|epoch|session|attempt|name|room|key|url|k|ref|quiet): /;
/** Fields that a person has chosen: the rest of the sentence says what they may be. */
const CHOSEN = new Set(["name", "room", "key", "url"]);

/** @returns the sentence of a close or of an error, without its field */
export function plainText(sentence: string): string {
  const [prefix, field] = FIELD.exec(sentence) ?? [];
  if (prefix === undefined || field === undefined) return sentence;
  if (CHOSEN.has(field)) return sentence.slice(prefix.length);
  return "the room does not understand this client: one of them is older than the other";
}

/** @returns why one message was not sent, as the rest of a sentence: `it is too long: …` */
export function refusalText({
  code,
  message,
}: {
  readonly code: string;
  readonly message: string;
}): string {
  const [, field] = FIELD.exec(message) ?? [];
  const [, most] = /at most ([\d,]+)/.exec(message) ?? [];
  if (code === "too-large" && field === "to") {
    return `it is for too many people: at most ${most} may be named; send it in turns, or to everyone`;
  }
  if (code === "too-large" && field === "text") {
    return `it is too long: at most ${most} bytes go into one message; send it in parts`;
  }
  if (code === "too-large" && message.includes("frame")) {
    return "it is too long together with its recipients: send it in parts, or to fewer people";
  }
  if (code === "bad-frame" && field === "text") {
    return "the room cannot store this: it is empty, or holds half a character";
  }
  if (code === "bad-frame" && field === "to") return "one of its recipients is not a name";
  if (field === "data") {
    if (code === "too-large" && most === undefined) {
      return "this room takes no reactions, and nothing else that is attached to a message";
    }
    return code === "too-large"
      ? `too much is attached to it: at most ${most} bytes of JSON go into one message`
      : "the room cannot store what is attached to it";
  }
  if (code === "bad-frame" && field === "ref") return "there is no message that it could refer to";
  if (field === "ref") return refText(message);
  // The caller says already that nothing was sent.
  return plainText(message).replace("; nothing was sent", "");
}

/** A sentence about a `ref` begins with its seq, unless the ref is of another history of the room. */
function refText(message: string): string {
  const sentence = message.slice("ref: ".length);
  return sentence
    .replace(/^\d+ is no entry that/, "there is no such message that")
    .replace(/^\d+ /, "the message ");
}
