import type { AcceptedEmail, Platform } from '../history';
import type { LoggedEvent } from './queries';
import type { State, User } from './state';
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

function accountSince(states: readonly State[], userId: string): (User | undefined)[] {
  return states.map(({ users }) => users.get(userId));
}

/**
 * Every registration and every password reset of an account that is still active has its e-mail, and each e-mail goes to
 * an address that the account had since.
 */
export function checkEmails({ emails }: Pick<Platform, 'emails'>, timeline: Timeline): void {
  const { segment, states } = timeline;
  const discarded = discardedIn(segment.events);
  const byId = Map.groupBy(emails, ({ messageId }) => eventOf(messageId));
  for (const event of segment.events) {
    const userId = owing[event.type]?.(event);
    if (userId === undefined) continue;
    const since = accountSince(states.slice(event.position), userId);
    const isOwed = since.every((user) => user?.isActive === true);
    const sent = byId.get(event.id) ?? [];
    if (isOwed && sent.length === 0 && !discarded.has(event.position))
      throw violate(
        `account ${userId} gets the e-mail of ${event.type} at position ${event.position}`,
        'it was never sent',
      );
    for (const email of sent) checkRecipient(email, event, since);
  }
}

function checkRecipient({ to, text }: AcceptedEmail, event: LoggedEvent, since: readonly (User | undefined)[]): void {
  const isRight = since.some((user) => user?.isActive === true && user.email === to && text.includes(user.name));
  if (!isRight)
    throw violate(`the e-mail of ${event.type} at position ${event.position} goes to its account`, `${to}: ${text}`);
  if (event.type === 'PasswordResetRequested' && !text.includes('#token='))
    throw violate(`the e-mail of ${event.type} at position ${event.position} has a link`, text);
}
