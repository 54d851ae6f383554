import type { EmailLimit } from '../email/email-limiter';
import type { Money } from '../platform/money';
import type { NotifiedAccount } from './notified-account';

/** A link that works for a time. */
export interface TimedLink {
  url: string;
  validMinutes: number;
}

/** An order as its customer is told of it. The titles of its items are left out, because others have typed them. */
export interface OrderFacts {
  number: number;
  total: Money;
}

/**
 * What each kind of notification tells, beside the time of its event. Nothing of it was typed by a person, so that no
 * stranger can write to somebody through an e-mail of the shop; so there is no type for a subject or a message here.
 */
export interface NotificationFacts {
  welcome: { confirmation?: TimedLink };
  /** Goes to the address that is to be confirmed. `again` is for the address that the account has already. */
  'confirm-address': TimedLink & { purpose: 'again' | 'change' };
  /** Goes to the address that the account had, and to the one that it has. */
  'address-changed': { reader: 'old' | 'new' };
  'password-reset': TimedLink;
  /** `reset` is by the link of an e-mail, which also revokes the API keys. */
  'password-changed': { by: 'change' | 'reset' };
  /** Goes to who made the key: its owner, or for the key of a service account the admin. */
  'api-key-created': { keyId: string; prefix: string; isOfService: boolean };
  'order-placed': OrderFacts;
  'order-shipped': OrderFacts;
  'order-delivered': OrderFacts;
  'order-cancelled': OrderFacts;
  'ticket-replied': { ticketId: string };
  'ticket-closed': { ticketId: string };
}

export type NotificationKind = keyof NotificationFacts;

/** Something that an account is told. */
export type NotificationOf<Kind extends NotificationKind> = {
  userId: string;
  kind: Kind;
  facts: NotificationFacts[Kind];
  /** An e-mail address instead of the account's own one, which only a kind for security may have. */
  to?: string;
  /** Whether somebody had confirmed the address `to` for this account. */
  isToConfirmed?: boolean;
};

export type Notification = { [Kind in NotificationKind]: NotificationOf<Kind> }[NotificationKind];

interface Rule {
  /** A notification for security reaches every active account, whatever its settings are. */
  isSecurity: boolean;
  /** For what a stranger can cause to be sent: how often one address may get it. */
  limit?: EmailLimit;
  /** Whether the limit is left out for an address whose owner has confirmed it, so that no stranger can be behind it. */
  isUnlimitedIfConfirmed?: boolean;
}

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

const onlyIfWanted: Rule = { isSecurity: false };

/** Whom each kind reaches. A kind without a rule does not compile. */
const rules: Readonly<Record<NotificationKind, Rule>> = {
  // A stranger can register with an address, delete the account and register again.
  welcome: { isSecurity: true, limit: { kind: 'welcome', everyMs: dayMs } },
  // Anybody can name the address of somebody else as their own new one. The command lets one account have a link to one
  // address every 15 minutes; this limit, for several accounts, is shorter, so that it does not hold back what the command allows.
  'confirm-address': { isSecurity: true, limit: { kind: 'confirm-address', everyMs: 14 * minuteMs } },
  // A stranger can register with an address, and then change it.
  'address-changed': {
    isSecurity: true,
    limit: { kind: 'address-changed', everyMs: 4 * minuteMs },
    isUnlimitedIfConfirmed: true,
  },
  // The command lets one account have a link every five minutes. This limit is for several accounts that have one address
  // after each other. It is shorter, so that it never holds back the only link of an account that is valid.
  'password-reset': { isSecurity: true, limit: { kind: 'password-reset', everyMs: 4 * minuteMs } },
  // A stranger can register with an address, and then change the password again and again.
  'password-changed': {
    isSecurity: true,
    limit: { kind: 'password-changed', everyMs: 4 * minuteMs },
    isUnlimitedIfConfirmed: true,
  },
  // A stranger can register with an address, and then make and revoke keys again and again.
  'api-key-created': {
    isSecurity: true,
    limit: { kind: 'api-key-created', everyMs: 4 * minuteMs },
    isUnlimitedIfConfirmed: true,
  },
  'order-placed': onlyIfWanted,
  'order-shipped': onlyIfWanted,
  'order-delivered': onlyIfWanted,
  'order-cancelled': onlyIfWanted,
  'ticket-replied': onlyIfWanted,
  'ticket-closed': onlyIfWanted,
};

export function isSecurity({ kind }: Pick<Notification, 'kind'>): boolean {
  return rules[kind].isSecurity;
}

/** The limit for the address of a notification; undefined where there is none. */
export function limitOf(
  { kind, to, isToConfirmed = false }: Pick<Notification, 'kind' | 'to' | 'isToConfirmed'>,
  account: Pick<NotifiedAccount, 'isConfirmed'>,
): EmailLimit | undefined {
  const { isUnlimitedIfConfirmed, limit } = rules[kind];
  const isConfirmed = to === undefined ? account.isConfirmed : isToConfirmed;
  return isUnlimitedIfConfirmed && isConfirmed ? undefined : limit;
}

/**
 * Whether an account is told. What is not for security reaches only an address that its owner has confirmed, so that nobody
 * is told of the orders of somebody who mistyped an address.
 */
export function isWanted(
  { isConfirmed, emailNotifications }: Pick<NotifiedAccount, 'isConfirmed' | 'emailNotifications'>,
  notification: Pick<Notification, 'kind'>,
): boolean {
  return isSecurity(notification) || (isConfirmed && emailNotifications);
}
