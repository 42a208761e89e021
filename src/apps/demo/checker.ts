/**
 * Judges a talk: what each client really got, against what was really sent. Pure; it knows neither room nor network.
 *
 * Every text is said once in a talk, so a text stands for its message. A message concerns its sender, to whom it comes
 * back as the confirmation, and whom it is addressed to: everyone, if nobody is named.
 */

export interface Sent {
  readonly from: string;
  /** Absent: to everyone. */
  readonly to?: readonly string[];
  readonly text: string;
}

export interface Got {
  /** The place in the room's order. */
  readonly seq: number;
  readonly from: string;
  readonly text: string;
}

/** Of one client, in messages. */
export interface Tally {
  readonly name: string;
  readonly sent: number;
  /** Everything that came, repeats too. */
  readonly received: number;
  /** Concerned this client and never came. */
  readonly lost: number;
  /** Further copies of what had come already. */
  readonly doubled: number;
  /**
   * Came after one that it should precede, in the order of its sender or in the room's; or at another place of the
   * room's order than its sender was told.
   */
  readonly reordered: number;
  /** Nobody sent it, or somebody else, or it did not concern this client. */
  readonly strange: number;
}

/**
 * @param sent in the order said
 * @param got of each client, in the order in which it came
 * @returns one tally for each client in `got`
 */
export function check(
  sent: readonly Sent[],
  got: ReadonlyMap<string, readonly Got[]>,
): readonly Tally[] {
  return [...got.keys()].map((name) => tallyOf(name, sent, got));
}

export function isFlawless(tallies: readonly Tally[]): boolean {
  return tallies.every(
    ({ lost, doubled, reordered, strange }) => lost + doubled + reordered + strange === 0,
  );
}

function tallyOf(
  name: string,
  sent: readonly Sent[],
  got: ReadonlyMap<string, readonly Got[]>,
): Tally {
  const due = new Map<string, number>();
  for (const [index, message] of sent.entries()) {
    if (concerns(message, name)) due.set(message.text, index);
  }
  const received = got.get(name) ?? [];
  const seen = new Set<string>();
  const latest = new Map<string, number>();
  let head = -Infinity;
  let doubled = 0;
  let reordered = 0;
  let strange = 0;
  for (const { seq, from, text } of received) {
    const index = due.get(text);
    if (index === undefined || sent[index]?.from !== from) {
      strange += 1;
    } else if (seen.has(text)) {
      doubled += 1;
    } else {
      const isLate = index < (latest.get(from) ?? -1) || seq <= head;
      if (isLate || seq !== placeOf(text, got.get(from), seq)) reordered += 1;
      seen.add(text);
      latest.set(from, Math.max(index, latest.get(from) ?? -1));
      head = Math.max(seq, head);
    }
  }
  return {
    name,
    sent: sent.filter(({ from }) => from === name).length,
    received: received.length,
    lost: due.size - seen.size,
    doubled,
    reordered,
    strange,
  };
}

const concerns = ({ from, to }: Sent, name: string): boolean =>
  to === undefined || from === name || to.includes(name);

/** Where its sender was told it stands; `otherwise` if the sender was told nothing, which counts as lost there. */
function placeOf(text: string, ofSender: readonly Got[] | undefined, otherwise: number): number {
  return ofSender?.find((entry) => entry.text === text)?.seq ?? otherwise;
}
