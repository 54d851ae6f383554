import type { CallerContext } from '../../src/access/access-rules';
import { type AccessTokens, createAccessTokens } from '../../src/access/access-token';
import { createLinkTokens } from '../../src/access/link-tokens';
import type { Passwords } from '../../src/access/passwords';
import { createKeyedHashes, createResetTokens } from '../../src/auth/secret-token';
import { createDefineCommand } from '../../src/cqrs/writing/command';
import { type Commands, createCommands } from '../../src/domains';
import type { Item } from '../../src/items/item';
import type { Sellers } from '../../src/items/sellers';
import { createUnsubscribeLinks } from '../../src/notifications/unsubscribe-links';
import type { Order } from '../../src/orders/order';
import { type Clock, systemClock } from '../../src/platform/clock';
import type { Ticket } from '../../src/tickets/ticket';
import type { User } from '../../src/users/user';
import { aContext, actingAs, cheapPasswords, password, settingsOf } from './factories';
import { createMemoryUnitOfWork } from './memory/unit-of-work';

const defaultSecrets = ['first-secret-0123456789-abcdefghij'] as const;

export const resetTokens = createResetTokens(defaultSecrets);
export const confirmationTokens = createLinkTokens('email-confirmation', defaultSecrets);

const unsubscribeLinks = createUnsubscribeLinks(createKeyedHashes(defaultSecrets), 'https://shop.example');

export function unsubscribeTokenOf(userId: string): string {
  return new URL(unsubscribeLinks.urlFor(userId, 'en')).searchParams.get('token') ?? '';
}

interface Given {
  users?: readonly User[];
  items?: readonly Item[];
  orders?: readonly Order[];
  tickets?: readonly Ticket[];
  accessTokens?: AccessTokens;
  passwords?: Passwords;
  clock?: Clock;
  secrets?: readonly [string, ...string[]];
  sellers?: Sellers;
}

/** Every command on the in-memory unit of work, with some rows to begin with. */
export function givenCommands({ users = [], items = [], orders = [], tickets = [], ...services }: Given = {}) {
  const { clock = systemClock, passwords = cheapPasswords, secrets = defaultSecrets } = services;
  const { freezeReplica, state, unitOfWork } = createMemoryUnitOfWork({ clock });
  const config = { issuer: 'https://frontdesk.example', audience: 'frontdesk', tokenSecrets: secrets };
  const { accessTokens = createAccessTokens(config, clock) } = services;
  const tables = state();
  for (const user of users) {
    tables.users.set(user.id, user);
    tables.settings.set(user.id, settingsOf(user));
  }
  for (const item of items) tables.items.set(item.id, item);
  for (const order of orders) tables.orders.set(order.id, order);
  for (const ticket of tickets) {
    tables.tickets.set(ticket.id, { ...ticket, preview: ticket.message, notePreview: null, hasNote: false });
  }

  function send(context: CallerContext): Commands {
    const fingerprints = (text: string) => [`fingerprint of ${text}`] as const;
    return createCommands(
      createDefineCommand(
        unitOfWork,
        fingerprints,
        () => context,
        async () => {},
        () => {},
      ),
      {
        accessTokens,
        resetTokens: createResetTokens(secrets),
        confirmationTokens: createLinkTokens('email-confirmation', secrets),
        unsubscribeLinks,
        passwords,
        hashNetwork: (network) => `hash of ${network}`,
        // Most tests let customers sell, because an owner without another role is the simplest one.
        sellers: services.sellers ?? 'everyone',
        firstOrderNumber: 1001,
      },
    );
  }

  const as = (user: User, overrides: Partial<CallerContext> = {}) => send(actingAs(user, overrides));

  return {
    accessTokens,
    freezeReplica,
    state,
    /** The commands of a request without a token. */
    anonymous: (overrides: Partial<CallerContext> = {}) => send(aContext(overrides)),
    /** The commands of a request with a token that was issued for exactly this state of the account. */
    as,
    /** Changes the address of an account: asks for it, and uses the link of the e-mail. */
    async changeEmail(user: User, email: string, by = user): Promise<void> {
      await as(by).UpdateUser({ userId: user.id, changes: { email, currentPassword: password } });
      const link = [...state().emailConfirmations.values()].find(
        ({ usedAt, ...one }) => !usedAt && one.email === email,
      );
      await send(aContext()).ConfirmEmail({
        token: createLinkTokens('email-confirmation', secrets).tokenFor(link?.id ?? ''),
      });
    },
    /** The types of all recorded events, oldest first. */
    types: () => state().events.map(({ type }) => type),
    /** The newest event. */
    lastEvent: () => state().events.at(-1),
    /** An account as it is now. */
    account(id: string): User {
      const user = state().users.get(id);
      if (!user) throw new Error('The account does not exist.');
      return user;
    },
  };
}

export type GivenCommands = ReturnType<typeof givenCommands>;
