import { type Recorded, timelinesOf } from './check';
import type { State } from './state';

/** The texts of a state that belong to a person, each with the account that it belongs to. */
function* personalTexts({ users, links, orders, tickets }: State): Generator<[userId: string, text: string]> {
  for (const { id, name, email } of users.values())
    yield* [
      [id, name],
      [id, email],
    ] as const;
  for (const { userId, email, previousEmail } of links.values()) {
    yield [userId, email];
    if (previousEmail !== null) yield [userId, previousEmail];
  }
  for (const { customerId, address } of orders.values()) {
    if (customerId !== null && address) yield [customerId, (address as { line1: string }).line1];
  }
  for (const { customerId, subject, message, notes, replies } of tickets.values()) {
    yield* [
      [customerId, subject],
      [customerId, message],
    ] as const;
    for (const { note } of notes) yield [customerId, note];
    for (const reply of replies) yield [customerId, reply.message];
  }
}

/** The personal texts of accounts that D1 does not have any more, without those that an account of today had too. */
export function erasedTexts(recorded: Recorded): string[] {
  const { timelines, isCut } = timelinesOf(recorded);
  // Nobody knows then which texts were sent again after the restore.
  if (isCut) return [];
  const today = new Set(recorded.platform.d1.query<{ id: string }>('SELECT id FROM users').map(({ id }) => id));
  const kept = new Set<string>();
  const erased = new Set<string>();
  for (const state of timelines.flatMap(({ states }) => states)) {
    for (const [userId, text] of personalTexts(state)) (today.has(userId) ? kept : erased).add(text);
  }
  return [...erased].filter((text) => !kept.has(text));
}
