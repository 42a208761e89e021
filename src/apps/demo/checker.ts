/**
 * Checks a history: compares what each client received with what was sent. Pure; it uses neither room nor network.
 *
 * Each text is sent once in a history, so a text identifies its message. A message concerns its sender, who receives it
 * as the confirmation, and its recipients: everyone, if it names none.
 */

export interface Sent {
  readonly from: string;
  /** Absent: to everyone. */
  readonly to?: readonly string[];
  readonly text: string;
}

export interface Received {
  /** The position in the room's order. */
  readonly seq: number;
  readonly from: string;
  readonly text: string;
}

/** The result for one client; numbers are messages. */
export interface Tally {
  readonly name: string;
  readonly sent: number;
  /** Everything that arrived, including repeats. */
  readonly received: number;
  /** Concerned this client and never arrived. */
  readonly lost: number;
  /** Repeats of a message that had arrived. */
  readonly doubled: number;
  /**
   * Arrived after a message that it should precede, in its sender's order or in the room's; or with another `seq` than
   * its sender received.
   */
  readonly reordered: number;
  /** Was never sent, was sent by somebody else, or did not concern this client. */
  readonly strange: number;
}

/**
 * @param sent in the order of sending
 * @param received the messages of each client, in the order of arrival
 * @returns one tally for each client in `received`
 */
export function check(
  sent: readonly Sent[],
  received: ReadonlyMap<string, readonly Received[]>,
): readonly Tally[] {
  return [...received.keys()].map((name) => tallyOf(name, sent, received));
}

export function isFlawless(tallies: readonly Tally[]): boolean {
  return tallies.every(
    ({ lost, doubled, reordered, strange }) => lost + doubled + reordered + strange === 0,
  );
}

function tallyOf(
  name: string,
  sent: readonly Sent[],
  received: ReadonlyMap<string, readonly Received[]>,
): Tally {
  const expected = new Map<string, number>();
  for (const [index, message] of sent.entries()) {
    if (concerns(message, name)) expected.set(message.text, index);
  }
  const own = received.get(name) ?? [];
  const arrived = new Set<string>();
  const latest = new Map<string, number>();
  let head = -Infinity;
  let doubled = 0;
  let reordered = 0;
  let strange = 0;
  for (const { seq, from, text } of own) {
    const index = expected.get(text);
    if (index === undefined || sent[index]?.from !== from) {
      strange += 1;
    } else if (arrived.has(text)) {
      doubled += 1;
    } else {
      const isLate = index < (latest.get(from) ?? -1) || seq <= head;
      if (isLate || seq !== seqAtSender(text, received.get(from), seq)) reordered += 1;
      arrived.add(text);
      latest.set(from, Math.max(index, latest.get(from) ?? -1));
      head = Math.max(seq, head);
    }
  }
  return {
    name,
    sent: sent.filter(({ from }) => from === name).length,
    received: own.length,
    lost: expected.size - arrived.size,
    doubled,
    reordered,
    strange,
  };
}

const concerns = ({ from, to }: Sent, name: string): boolean =>
  to === undefined || from === name || to.includes(name);

/** The `seq` that the sender received; `otherwise` if it received none, which counts as lost for the sender. */
function seqAtSender(
  text: string,
  bySender: readonly Received[] | undefined,
  otherwise: number,
): number {
  return bySender?.find((entry) => entry.text === text)?.seq ?? otherwise;
}
