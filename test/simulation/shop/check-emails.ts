import type { AcceptedEmail, Platform } from '../history';
import type { LoggedEvent } from './queries';
import type { User } from './state';
import { eventOf, type Timeline } from './timeline';
import { violate } from './violate';

const owing: Readonly<Record<string, (event: LoggedEvent) => string>> = {
  UserRegistered: ({ streamId }) => streamId,
  PasswordResetRequested: ({ data }) => String(data.userId),
};

/** The deliveries of e-mails that an admin discarded. */
function discardedIn(events: readonly LoggedEvent[]): Set<number> {
  const discards = events.filter(({ type }) => type === 'DeadLettersDiscarded');
  const letters = discards.flatMap(({ data }) => data.letters as { position: number; subscription: string }[]);
  return new Set(letters.filter(({ subscription }) => subscription === 'emails').map(({ position }) => position));
}

/**
 * The account after an event, at each position of every history that has the event: a consumer may read before a restore
 * and send after it.
 */
function accountSince({ id, position }: LoggedEvent, userId: string, timelines: readonly Timeline[]) {
  const having = timelines.filter(({ segment }) => segment.events[position - 1]?.id === id);
  return having.flatMap(({ states }) => states.slice(position).map(({ users }) => users.get(userId)));
}

/**
 * Every registration and every password reset of an account that is still active has its e-mail, and each e-mail goes to
 * an address that the account had since.
 */
export function checkEmails({ emails }: Pick<Platform, 'emails'>, timelines: readonly Timeline[]): void {
  const events = timelines.at(-1)?.segment.events ?? [];
  const discarded = discardedIn(events);
  const byId = Map.groupBy(emails, ({ messageId }) => eventOf(messageId));
  for (const event of events) {
    const userId = owing[event.type]?.(event);
    if (userId === undefined) continue;
    const since = accountSince(event, userId, timelines);
    const isOwed = since.every((user) => user?.isActive === true && !user.isService);
    const sent = byId.get(event.id) ?? [];
    const isLimited = since.some((user) => addressesOf(event, timelines).has(user?.email ?? ''));
    if (isOwed && sent.length === 0 && !discarded.has(event.position) && !isLimited)
      throw violate(
        `account ${userId} gets the e-mail of ${event.type} at position ${event.position}`,
        'it was never sent',
      );
    for (const email of sent) checkRecipient(email, event, since);
  }
  checkLimit(emails, timelines);
}

/** The addresses that other events of the same type may have sent an e-mail to, which then count against its limit. */
function addressesOf({ id, type }: LoggedEvent, timelines: readonly Timeline[]): Set<string> {
  const addresses = new Set<string>();
  for (const { segment, states } of timelines) {
    const others = segment.events.filter((event) => event.type === type && event.id !== id);
    for (const event of others) {
      const userId = owing[type]?.(event) ?? '';
      for (const { users } of states.slice(event.position)) addresses.add(users.get(userId)?.email ?? 'nobody');
    }
  }
  return addresses;
}

/** No address gets a second welcome within a day, which no history lasts. A restore forgets what was sent. */
function checkLimit(emails: readonly AcceptedEmail[], timelines: readonly Timeline[]): void {
  if (timelines.length > 1) return;
  const types = new Map(timelines[0]?.segment.events.map(({ id, type }) => [id, type]));
  const welcomes = emails.filter(({ messageId }) => types.get(eventOf(messageId)) === 'UserRegistered');
  for (const [to, sent] of Map.groupBy(welcomes, (email) => email.to)) {
    const about = new Set(sent.map(({ messageId }) => eventOf(messageId)));
    if (about.size > 1) throw violate(`the address ${to} gets one welcome a day`, `it got ${about.size}`);
  }
}

/** An e-mail shows a name of letters, and no other one. */
function greets(text: string, name: string): boolean {
  return /^[A-Za-z ]+$/.test(name) ? text.startsWith(`Hello ${name},`) : text.startsWith('Hello,');
}

function checkRecipient({ to, text }: AcceptedEmail, event: LoggedEvent, since: readonly (User | undefined)[]): void {
  const isRight = since.some(
    (user) => user?.isActive === true && !user.isService && user.email === to && greets(text, user.name),
  );
  if (!isRight)
    throw violate(`the e-mail of ${event.type} at position ${event.position} goes to its account`, `${to}: ${text}`);
  if (event.type === 'PasswordResetRequested' && !text.includes('#token='))
    throw violate(`the e-mail of ${event.type} at position ${event.position} has a link`, text);
}
