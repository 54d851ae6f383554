import type { AccessTokens } from '../../src/access/access-token';
import { hashSecret } from '../../src/auth/secret-token';
import { newId } from '../../src/platform/ids';
import type { User } from '../../src/users/user';
import { aDeadLetter, aLine, aLink, anApiKey, anItem, anOrder, aRebuild, aTicket, aUser, createdAt } from './factories';
import { confirmationTokens, givenCommands, resetTokens } from './given-commands';

export const refreshToken = 'the refresh token of the customer';
export const now = Date.parse('2026-03-01T10:00:00.000Z');

/** Access tokens that can be compared: each is what it states. */
const readableTokens: AccessTokens = {
  issue: async (caller) => ({ token: JSON.stringify(caller), expiresInSeconds: 900 }),
  verify: async (token) => JSON.parse(token),
};

/** A shop in which every command finds what it needs: everything has an owner, a state and something to change. */
export function createCommandWorld() {
  const [customer, seller] = [aUser(), aUser({ emailConfirmedAt: null })];
  const inactive = aUser({ isActive: false, tokenGeneration: 2 });
  const [agent, admin, otherAdmin] = (['agent', 'admin', 'admin'] as const).map((role) => aUser({ role })) as [
    User,
    User,
    User,
  ];
  const service = aUser({ isService: true });
  const item = anItem({ ownerId: seller.id, stock: 5 });
  const unlimited = anItem({ ownerId: seller.id, stock: null });
  const lines = [aLine({ itemId: item.id, tookStock: true }), aLine({ itemId: unlimited.id, tookStock: false })];
  const placed = anOrder({ customerId: customer.id, lines });
  const shipped = anOrder({ customerId: customer.id, lines, status: 'shipped' });
  const ticket = aTicket({ customerId: customer.id });
  const commands = givenCommands({
    users: [customer, seller, inactive, agent, admin, otherAdmin, service],
    items: [item, unlimited],
    orders: [placed, shipped],
    tickets: [ticket],
    accessTokens: readableTokens,
    clock: { now: () => now },
  });
  const { apiKeys, deliveries, emailConfirmations, passwordResets, rebuilds, refreshTokens, sessions } =
    commands.state();
  const key = anApiKey({ userId: customer.id });
  apiKeys.set(key.id, key);
  deliveries.set('7-emails', aDeadLetter());
  const rebuild = aRebuild();
  rebuilds.set(rebuild.id, rebuild);
  const session = { id: newId(), userId: customer.id, version: 0, createdAt, revokedAt: null, network: null };
  sessions.set(session.id, session);
  const hash = hashSecret(refreshToken);
  refreshTokens.set(hash, { hash, sessionId: session.id, expiresAt: now + 1000, usedAt: null });
  const resetId = newId();
  const resetToken = resetTokens.tokenFor(resetId);
  const tokenHash = hashSecret(resetToken);
  passwordResets.set(resetId, { id: resetId, userId: customer.id, tokenHash, expiresAt: now + 1000, usedAt: null });
  const expiresAt = now + 86_400_000;
  const links = [
    aLink({ userId: customer.id, email: 'next@example.com', expiresAt }),
    aLink({ userId: seller.id, kind: 'registration', email: seller.email, expiresAt }),
    aLink({ userId: seller.id, email: 'late@example.com', expiresAt: now - 1 }),
  ] as const;
  for (const link of links) emailConfirmations.set(link.id, link);
  const [change, registration, expired] = links;
  return {
    ...commands,
    expiredId: expired.id,
    changeToken: confirmationTokens.tokenFor(change.id),
    registrationToken: confirmationTokens.tokenFor(registration.id),
    customer,
    seller,
    inactive,
    agent,
    admin,
    otherAdmin,
    service,
    key,
    item,
    unlimited,
    placed,
    shipped,
    ticket,
    rebuildId: rebuild.id,
    session,
    resetToken,
  };
}

export type CommandWorld = ReturnType<typeof createCommandWorld>;
