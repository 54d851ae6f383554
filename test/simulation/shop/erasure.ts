import { type Recorded, timelinesOf } from './check';
import type { State } from './state';

/** The texts of a state that belong to a person, each with the account that it belongs to. */
function* personalTexts({ users, orders, tickets }: State): Generator<[userId: string, text: string]> {
  for (const { id, name, email } of users.values())
    yield* [
      [id, name],
      [id, email],
    ] as const;
  for (const { customerId, address } of orders.values()) {
    if (customerId !== null && address) yield [customerId, (address as { line1: string }).line1];
  }
  for (const { customerId, subject, message, notes } of tickets.values()) {
    yield* [
      [customerId, subject],
      [customerId, message],
    ] as const;
    for (const { note } of notes) yield [customerId, note];
  }
}

/** The personal texts of deleted accounts, without those that an account of today has too. */
export function erasedTexts(recorded: Recorded): string[] {
  const { timelines } = timelinesOf(recorded);
  const now = timelines.at(-1)?.states.at(-1);
  const kept = new Set([...(now ? personalTexts(now) : [])].map(([, text]) => text));
  const erased = new Set<string>();
  for (const { states } of timelines) {
    for (const [userId, text] of states.flatMap((state) => [...personalTexts(state)])) {
      if (!now?.users.has(userId) && !kept.has(text)) erased.add(text);
    }
  }
  return [...erased];
}
