import type { CallerContext } from '../../src/access/access-rules';
import { asChecked, type Caller, type CheckedActor } from '../../src/access/caller';
import type { Passwords } from '../../src/access/passwords';
import type { Scope } from '../../src/access/scopes';
import type { ApiKey } from '../../src/api-keys/api-key';
import type { Item } from '../../src/items/item';
import type { NotifiedAccount } from '../../src/notifications/notified-account';
import type { Order, OrderLine, ShippingAddress } from '../../src/orders/order';
import { newId } from '../../src/platform/ids';
import { type HashParameters, hashPassword, verifyPassword } from '../../src/platform/password';
import type { Ticket } from '../../src/tickets/ticket';
import type { EmailConfirmation } from '../../src/users/email-confirmation';
import { defaultSettings, type Settings } from '../../src/users/settings';
import type { User } from '../../src/users/user';
import type { DeliveryRow, RebuildRow } from './memory/state';

export const password = 'correct horse battery';

/** The parameters of the hashes in tests: they cost nothing. Only the tests of hashing use the real ones. */
export const cheapParameters: HashParameters = { ln: 4, r: 8, p: 1 };

/** `password` hashed with these parameters. */
export const passwordHash = '$scrypt$ln=4,r=8,p=1$BwcHBwcHBwcHBwcHBwcHBw$cEV+K//OeYWY/GTFKER+4xhs1WWKV3aYDDWox2i5QfI';

/** `password` hashed with other parameters. A sign-in replaces it. */
export const outdatedPasswordHash =
  '$scrypt$ln=5,r=8,p=1$BwcHBwcHBwcHBwcHBwcHBw$cv94CM0NQzJiBSW0OSRLUaHQK9Zy5/+Pjc+XPZ13BBI';

/** The passwords of a test's request, without a queue and without limits. */
export const cheapPasswords: Passwords = {
  hash: (secret) => hashPassword(secret, cheapParameters),
  verify: (secret, storedHash) => verifyPassword(secret, storedHash, cheapParameters),
};

/** When the factories' rows were created. */
export const createdAt = '2026-01-01T00:00:00.000Z';

export function aUser(overrides: Partial<User> = {}): User {
  const id = newId();
  return {
    id,
    version: 1,
    name: 'Ada Byron',
    email: `${id}@example.com`,
    passwordHash,
    role: 'customer',
    isActive: true,
    tokenGeneration: 1,
    createdAt,
    updatedAt: createdAt,
    lastLoginAt: null,
    emailConfirmedAt: createdAt,
    isService: false,
    ...overrides,
  };
}

/** A link that waits to be used; the caller says what it is about. Its time ends far in the future. */
export function aLink(overrides: Pick<EmailConfirmation, 'userId' | 'email'> & Partial<EmailConfirmation>) {
  const expiresAt = Date.parse('2100-01-01T00:00:00.000Z');
  const link: EmailConfirmation = {
    id: newId(),
    kind: 'change',
    previousEmail: null,
    isPreviousConfirmed: false,
    expiresAt,
    usedAt: null,
    ...overrides,
  };
  return link;
}

export function settingsOf(user: User): Settings {
  return defaultSettings(user.id, user.createdAt);
}

export function anApiKey(overrides: Partial<ApiKey<Scope>> = {}): ApiKey<Scope> {
  return {
    id: newId(),
    userId: newId(),
    name: 'Scanner',
    hash: 'a hash',
    scopes: ['orders:read', 'orders:write'],
    createdAt,
    expiresAt: null,
    ...overrides,
  };
}

export function anItem(overrides: Partial<Item> = {}): Item {
  return {
    id: newId(),
    version: 1,
    ownerId: newId(),
    title: 'Teapot',
    description: 'Round, blue',
    price: { amount: 1999, currency: 'EUR' },
    stock: 5,
    stockVersion: 0,
    isActive: true,
    takenDownBy: null,
    createdAt,
    updatedAt: createdAt,
    ...overrides,
  };
}

export const address: ShippingAddress = {
  name: 'Ada Byron',
  line1: '12 St James’s Square',
  postalCode: 'SW1Y 4JH',
  city: 'London',
  country: 'GB',
};

export function aLine(overrides: Partial<OrderLine> = {}): OrderLine {
  return { itemId: newId(), title: 'Teapot', quantity: 2, price: { amount: 1999, currency: 'EUR' }, ...overrides };
}

export function anOrder(overrides: Partial<Order> = {}): Order {
  return {
    id: newId(),
    number: 1001,
    version: 1,
    customerId: newId(),
    status: 'placed',
    lines: [aLine()],
    total: { amount: 3998, currency: 'EUR' },
    createdAt,
    updatedAt: createdAt,
    ...overrides,
  };
}

export function aTicket(overrides: Partial<Ticket> = {}): Ticket {
  return {
    id: newId(),
    version: 1,
    customerId: newId(),
    orderId: null,
    subject: 'Late',
    message: 'Where is it?',
    status: 'open',
    createdAt,
    updatedAt: createdAt,
    triagedAt: null,
    triageSeconds: null,
    customerVersion: 1,
    customerUpdatedAt: createdAt,
    assigneeId: null,
    lastSpeaker: 'customer',
    ...overrides,
  };
}

/** A rebuild that runs and has done nothing yet. */
export function aRebuild(overrides: Partial<RebuildRow> = {}): RebuildRow {
  return {
    id: newId(),
    version: 1,
    view: 'item',
    status: 'running',
    target: 7,
    checkpoint: 0,
    steps: 0,
    keys: 0,
    failedKeys: 0,
    attempts: 0,
    lastError: null,
    startedAt: createdAt,
    progressedAt: 0,
    ...overrides,
  };
}

/** The delivery of an e-mail that is a dead letter. */
export function aDeadLetter(overrides: Partial<DeliveryRow> = {}): DeliveryRow {
  return {
    position: 7,
    subscription: 'emails',
    status: 'dead',
    attempts: 9,
    failures: 1,
    lastError: 'Error',
    availableAt: 0,
    ...overrides,
  };
}

/** What a token of the account states; a token of an older state of the account is made from that older state. */
export function callerOf({ id, role, tokenGeneration }: Pick<User, 'id' | 'role' | 'tokenGeneration'>): Caller {
  return { userId: id, role, tokenGeneration };
}

/** The account as a rule receives it after the check. */
export function checked(user: Pick<User, 'id' | 'role'>): CheckedActor {
  return asChecked({ userId: user.id, role: user.role, tokenGeneration: 1 });
}

export function aContext(overrides: Partial<CallerContext> = {}): CallerContext {
  return { commandId: newId(), requestId: newId(), issuedAt: Date.now(), readFrom: 'first-primary', ...overrides };
}

/** A context in which the account acts with its newest token. */
export function actingAs(user: User, overrides: Partial<CallerContext> = {}): CallerContext {
  return aContext({ caller: callerOf(user), actorId: user.id, ...overrides });
}

/** An account that wants every e-mail and may get it. */
export function aNotifiedAccount(overrides: Partial<NotifiedAccount> = {}): NotifiedAccount {
  return {
    name: 'Ada Byron',
    email: 'ada@example.com',
    isConfirmed: true,
    emailNotifications: true,
    locale: 'en-GB',
    timezone: 'Europe/London',
    ...overrides,
  };
}
