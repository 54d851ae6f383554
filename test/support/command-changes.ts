import { keysPerAccount } from '../../src/api-keys/api-key';
import { type CommandWorld, now, refreshToken } from './command-world';
import { aDeadLetter, address, anApiKey, password } from './factories';

export type Change = (world: CommandWorld) => unknown;

export const newPassword = 'another long password';
export const euros = (amount: number) => ({ amount, currency: 'EUR' });

/** Everything that can happen while a replica lags behind, by its own name. */
export const changes = {
  'the customer has another name': ({ as, customer }) =>
    as(customer).UpdateUser({ userId: customer.id, changes: { name: 'Countess' } }),
  'the customer has another address': ({ changeEmail, customer }) => changeEmail(customer, 'new@example.com'),
  'the customer wants another address': ({ as, customer }) =>
    as(customer).UpdateUser({
      userId: customer.id,
      changes: { email: 'new@example.com', currentPassword: password },
    }),
  'the customer has confirmed the next address': ({ anonymous, changeToken }) =>
    anonymous({ issuedAt: now }).ConfirmEmail({ token: changeToken }),
  'the next address belongs to somebody else': ({ anonymous }) =>
    anonymous().RegisterUser({ name: 'Eve', email: 'next@example.com', password }),
  'the late change of the seller has ended': ({ anonymous, expiredId }) =>
    anonymous({ issuedAt: now }).ExpireEmailChange({ confirmationId: expiredId }),
  'the seller has confirmed the address': ({ anonymous, registrationToken }) =>
    anonymous({ issuedAt: now }).ConfirmEmail({ token: registrationToken }),
  'the seller has asked for another link': ({ as, seller }) =>
    as(seller, { issuedAt: now }).RequestEmailConfirmation({ userId: seller.id }),
  'the customer has another password': ({ as, customer }) =>
    as(customer).UpdateUser({
      userId: customer.id,
      changes: { password: newPassword, currentPassword: password },
    }),
  'the customer is an agent': ({ as, admin, customer }) => as(admin).ChangeRole({ userId: customer.id, role: 'agent' }),
  'the customer is deactivated': ({ as, admin, customer }) => as(admin).DeactivateUser({ userId: customer.id }),
  'the customer is deleted': ({ as, customer }) => as(customer).DeleteUser({ userId: customer.id }),
  'the customer has turned e-mails off': ({ as, customer }) =>
    as(customer).UpdateSettings({ userId: customer.id, changes: { emailNotifications: false } }),
  'the customer has other settings': ({ as, customer }) =>
    as(customer).UpdateSettings({ userId: customer.id, changes: { locale: 'de' } }),
  'the customer has signed in again': ({ anonymous, customer }) =>
    anonymous().SignIn({ username: customer.email, password }),
  'the customer has refreshed the session': ({ anonymous }) =>
    anonymous({ issuedAt: now }).RefreshSession({ refreshToken }),
  'the customer has signed out': ({ anonymous }) => anonymous().SignOut({ refreshToken }),
  'the customer has asked for another reset': ({ anonymous, customer }) =>
    anonymous().RequestPasswordReset({ email: customer.email }),
  'the customer has used the reset': ({ anonymous, resetToken }) =>
    anonymous({ issuedAt: now }).ConfirmPasswordReset({ token: resetToken, password: newPassword }),
  'the customer has another API key': ({ as, customer }) =>
    as(customer).CreateApiKey({ name: 'a', scopes: ['orders:read'] }),
  'the customer has as many API keys as allowed': ({ customer, state }) => {
    const { apiKeys } = state();
    while (apiKeys.size < keysPerAccount) {
      const key = anApiKey({ userId: customer.id });
      apiKeys.set(key.id, key);
    }
  },
  'the customer’s API key is revoked': ({ as, customer, key }) => as(customer).RevokeApiKey({ keyId: key.id }),
  'the service account is deleted': ({ admin, as, service }) => as(admin).DeleteUser({ userId: service.id }),
  'there is another service account': ({ admin, as }) => as(admin).CreateServiceAccount({ name: 'a', role: 'agent' }),
  'the inactive account is active': ({ as, admin, inactive }) => as(admin).ReactivateUser({ userId: inactive.id }),
  'the agent is a customer': ({ as, admin, agent }) => as(admin).ChangeRole({ userId: agent.id, role: 'customer' }),
  'the admin is an agent': ({ as, admin, otherAdmin }) =>
    as(otherAdmin).ChangeRole({ userId: admin.id, role: 'agent' }),
  'the other admin is an agent': ({ as, admin, otherAdmin }) =>
    as(admin).ChangeRole({ userId: otherAdmin.id, role: 'agent' }),
  'the other admin is deleted': ({ as, otherAdmin }) => as(otherAdmin).DeleteUser({ userId: otherAdmin.id }),
  'somebody has registered': ({ anonymous }) =>
    anonymous().RegisterUser({ name: 'Eve', email: 'new@example.com', password }),
  'the seller is deleted': ({ as, seller }) => as(seller).DeleteUser({ userId: seller.id }),
  'the seller has another item': ({ as, seller }) => as(seller).CreateItem({ title: 'Cup', price: euros(1) }),
  'the item has another title': ({ as, item, seller }) =>
    as(seller).UpdateItem({ itemId: item.id, changes: { title: 'Pot' } }),
  'the item has another price': ({ as, item, seller }) =>
    as(seller).UpdateItem({ itemId: item.id, changes: { price: euros(1) } }),
  'the item has another currency': ({ as, item, seller }) =>
    as(seller).UpdateItem({ itemId: item.id, changes: { price: { amount: 1, currency: 'USD' } } }),
  'the item is not for sale': ({ as, item, seller }) =>
    as(seller).UpdateItem({ itemId: item.id, changes: { isActive: false } }),
  'the item is taken down': ({ agent, as, item }) =>
    as(agent).UpdateItem({ itemId: item.id, changes: { isActive: false } }),
  'the item has another stock': ({ as, item, seller }) =>
    as(seller).UpdateItem({ itemId: item.id, changes: { stock: 9 } }),
  'the item is unlimited': ({ as, item, seller }) =>
    as(seller).UpdateItem({ itemId: item.id, changes: { stock: null } }),
  'the unlimited item has a stock': ({ as, seller, unlimited }) =>
    as(seller).UpdateItem({ itemId: unlimited.id, changes: { stock: 9 } }),
  'the item is deleted': ({ as, item, seller }) => as(seller).DeleteItem({ itemId: item.id }),
  'the item is sold out': ({ as, agent, item }) =>
    as(agent).PlaceOrder({ items: [{ itemId: item.id, quantity: 5 }], shippingAddress: address }),
  'the customer has another order': ({ as, customer, item }) =>
    as(customer).PlaceOrder({ items: [{ itemId: item.id, quantity: 1 }], shippingAddress: address }),
  'the order is cancelled': ({ as, customer, placed }) => as(customer).CancelOrder({ orderId: placed.id }),
  'the order is shipped': ({ agent, as, placed }) => as(agent).ShipOrder({ orderId: placed.id }),
  'the shipped order is delivered': ({ agent, as, shipped }) => as(agent).DeliverOrder({ orderId: shipped.id }),
  'the customer has another ticket': ({ as, customer }) => as(customer).OpenTicket({ subject: 'a', message: 'b' }),
  'the ticket is closed': ({ agent, as, ticket }) =>
    as(agent).ChangeTicketStatus({ ticketId: ticket.id, status: 'closed' }),
  'the ticket has a note': ({ agent, as, ticket }) => as(agent).AddTicketNote({ ticketId: ticket.id, note: 'a' }),
  'the ticket has a reply of its customer': ({ as, customer, ticket }) =>
    as(customer).ReplyToTicket({ ticketId: ticket.id, message: 'a' }),
  'the ticket is assigned': ({ agent, as, ticket }) =>
    as(agent).AssignTicket({ ticketId: ticket.id, assigneeId: agent.id }),
  'the dead letters are replayed': ({ admin, as }) => as(admin).ReplayDeadLetters({}),
  'the dead letters are discarded': ({ admin, as }) => as(admin).DiscardDeadLetters({}),
  'there is another dead letter': ({ state }) => state().deliveries.set('8-emails', aDeadLetter({ position: 8 })),
  'a rebuild is started': ({ admin, as }) => as(admin).StartRebuild({ view: 'order' }),
  'the rebuild is cancelled': ({ admin, as, rebuildId }) => as(admin).CancelRebuild({ rebuildId }),
  'the rebuild is done': ({ rebuildId, state }) => {
    const rebuild = state().rebuilds.get(rebuildId);
    if (rebuild) state().rebuilds.set(rebuildId, { ...rebuild, status: 'done' });
  },
} satisfies Record<string, Change>;
