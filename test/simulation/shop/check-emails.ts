import type { AcceptedEmail, Platform } from '../history';
import type { LoggedEvent } from './queries';
import type { Settings, State, User } from './state';
import { eventOf, type Timeline } from './timeline';
import { violate } from './violate';

interface Telling {
  /** The account that is told of an event; undefined for an event of which nobody is told. */
  whom(event: LoggedEvent): string | undefined;
  /** Whether the account is told whatever its settings are. */
  isSecurity: boolean;
  /** The address, if it is not the one that the account has at the moment; undefined where nothing is to be sent. */
  to?(event: LoggedEvent, moment: Moment): string | undefined;
  /** What e-mails of several events have in common that share a limit; without it, the type of the event. */
  kind?: string;
}

const account: Telling = { whom: ({ streamId }) => streamId, isSecurity: true };
const customer: Telling = { whom: ({ data }) => text(data.customerId), isSecurity: false };
const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
const only = (condition: (data: LoggedEvent['data']) => boolean): Telling => ({
  ...customer,
  whom: (event) => (condition(event.data) ? customer.whom(event) : undefined),
});

/** How much the clocks of two processes may differ. */
const clockSlackMs = 60_000;

const linkOf = ({ data }: LoggedEvent, { links }: Moment) => links.get(String(data.confirmationId));
const confirming: Telling = {
  ...account,
  to(event, moment) {
    const link = linkOf(event, moment);
    return link?.usedAt === null ? link.email : undefined;
  },
};
const tellingOld: Telling = {
  whom: ({ data, streamId }) => (data.by === 'change' ? streamId : undefined),
  isSecurity: true,
  to: (event, moment) => linkOf(event, moment)?.previousEmail ?? undefined,
  kind: 'address-changed',
};
const tellingNew: Telling = {
  whom: ({ data, streamId }) => ((data.fields as string[]).includes('email') ? streamId : undefined),
  isSecurity: true,
  kind: 'address-changed',
};

/** The events of which somebody is told. */
const telling: Readonly<Record<string, Telling>> = {
  UserRegistered: account,
  EmailConfirmationRequested: confirming,
  UserEmailConfirmed: tellingOld,
  UserUpdated: tellingNew,
  UserPasswordChanged: account,
  ApiKeyCreated: { whom: ({ actorId, data }) => actorId ?? text(data.userId), isSecurity: true },
  PasswordResetRequested: { whom: ({ data }) => text(data.userId), isSecurity: true },
  OrderPlaced: customer,
  OrderShipped: customer,
  OrderDelivered: customer,
  OrderCancelled: customer,
  TicketReplied: only(({ by }) => by === 'staff'),
  TicketStatusChanged: only(({ to }) => to === 'closed'),
};

/** The deliveries of e-mails that an admin discarded. */
function discardedIn(events: readonly LoggedEvent[]): Set<number> {
  const discards = events.filter(({ type }) => type === 'DeadLettersDiscarded');
  const letters = discards.flatMap(({ data }) => data.letters as { position: number; subscription: string }[]);
  return new Set(letters.filter(({ subscription }) => subscription === 'emails').map(({ position }) => position));
}

/** An account and its settings at one moment; both are undefined where it does not exist. */
interface Moment {
  user: User | undefined;
  settings: Settings | undefined;
  links: State['links'];
}

const momentOf = ({ links, settings, users }: State, userId: string): Moment => ({
  ...{ user: users.get(userId), settings: settings.get(userId), links },
});

/** The address to which the e-mail of an event would go at a moment. */
const addressAt = ({ to }: Telling, event: LoggedEvent, moment: Moment) =>
  to ? to(event, moment) : moment.user?.email;

/**
 * The account after an event, at each position of every history that has the event: a consumer may read before a restore
 * and send after it.
 */
function accountSince({ id, position }: LoggedEvent, userId: string, timelines: readonly Timeline[]): Moment[] {
  const having = timelines.filter(({ segment }) => segment.events[position - 1]?.id === id);
  return having.flatMap(({ states }) => states.slice(position).map((state) => momentOf(state, userId)));
}

/** The account directly after an event, in every history that has the event. */
function accountAt({ id, position }: LoggedEvent, userId: string, timelines: readonly Timeline[]): Moment[] {
  const having = timelines.filter(({ segment }) => segment.events[position - 1]?.id === id);
  return having.flatMap(({ states }) => states.slice(position, position + 1).map((state) => momentOf(state, userId)));
}

/** Whether an account would be told at this moment. */
function isTold(rule: Telling, event: LoggedEvent, moment: Moment): boolean {
  const { settings, user } = moment;
  if (user?.isActive !== true || user.isService || addressAt(rule, event, moment) === undefined) return false;
  return rule.isSecurity || (user.emailConfirmedAt !== null && settings?.emailNotifications === true);
}

/**
 * Every event of which an account is told has its e-mail, if the account would have got it at each moment since; and each e-mail
 * goes to an address, in a language and by settings that the account had at one moment. Nothing else is sent.
 */
export function checkEmails(
  { emails, world }: Pick<Platform, 'emails' | 'world'>,
  timelines: readonly Timeline[],
): void {
  const events = timelines.at(-1)?.segment.events ?? [];
  const discarded = discardedIn(events);
  const byId = Map.groupBy(emails, ({ messageId }) => eventOf(messageId));
  for (const event of events) {
    const sent = byId.get(event.id) ?? [];
    const rule = telling[event.type];
    const userId = rule?.whom(event);
    if (!rule || userId === undefined) {
      for (const { text: words } of sent)
        throw violate(`nobody is told of ${event.type} at position ${event.position}`, words);
      continue;
    }
    const since = accountSince(event, userId, timelines);
    // What a link is about is deleted with it; in some histories that happens while the e-mail waits.
    const mayBeForgotten = since.some(
      (moment) => (linkOf(event, moment)?.expiresAt ?? Infinity) <= world.now + clockSlackMs,
    );
    const isOwed = !mayBeForgotten && since.every((moment) => isTold(rule, event, moment));
    const limited = rule.isSecurity ? addressesOf(event, timelines) : new Set<string>();
    const isLimited = rule.isSecurity && since.some((moment) => limited.has(addressAt(rule, event, moment) ?? ''));
    if (isOwed && sent.length === 0 && !discarded.has(event.position) && !isLimited)
      throw violate(
        `account ${userId} gets the e-mail of ${event.type} at position ${event.position}`,
        'it was never sent',
      );
    const isDecided = accountAt(event, userId, timelines).some((moment) => isTold(rule, event, moment));
    for (const { text: words } of isDecided || rule.isSecurity ? [] : sent)
      throw violate(`an account is told of ${event.type} at position ${event.position} if it wanted that then`, words);
    for (const email of sent) checkRecipient(email, event, rule, since);
  }
  checkLimit(emails, timelines);
}

const kindOf = (type: string) => telling[type]?.kind ?? type;

/** The addresses that other events of the same kind may have sent an e-mail to, which then count against its limit. */
function addressesOf({ id, type }: LoggedEvent, timelines: readonly Timeline[]): Set<string> {
  const addresses = new Set<string>();
  for (const { segment, states } of timelines) {
    const others = segment.events.filter((event) => kindOf(event.type) === kindOf(type) && event.id !== id);
    for (const event of others) {
      const rule = telling[event.type];
      const userId = rule?.whom(event);
      if (!rule || userId === undefined) continue;
      for (const state of states.slice(event.position))
        addresses.add(addressAt(rule, event, momentOf(state, userId)) ?? 'nobody');
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

/** An e-mail shows a name of letters, and no other one, in the language of the account. */
function greets(words: string, { settings, user }: Moment): boolean {
  const hello = settings?.locale === 'de' ? 'Guten Tag' : 'Hello';
  return words.startsWith(/^[A-Za-z ]+$/.test(user?.name ?? '') ? `${hello} ${user?.name},` : `${hello},`);
}

function checkRecipient(email: AcceptedEmail, event: LoggedEvent, rule: Telling, since: readonly Moment[]): void {
  const { text: words, to } = email;
  const about = `the e-mail of ${event.type} at position ${event.position}`;
  const isRight = since.some(
    (moment) => isTold(rule, event, moment) && addressAt(rule, event, moment) === to && greets(words, moment),
  );
  if (!isRight) throw violate(`${about} goes to its account, which wants it`, `${to}: ${words}`);
  if (event.type === 'PasswordResetRequested' && !words.includes('#token='))
    throw violate(`${about} has a link`, words);
  const canEnd = words.includes(`/unsubscribe?token=${rule.whom(event)}.`);
  if (canEnd === rule.isSecurity) throw violate(`${about} can be ended if it is not for security`, words);
}
