import { describe, expect, test } from 'vitest';
import { newId } from '../../src/platform/ids';
import { afterReply, speakerOn, versionFor } from '../../src/tickets/reply';
import { assign } from '../../src/tickets/ticket';
import type { TicketStatus } from '../../src/tickets/ticket-status';
import { aTicket, aUser, checked } from '../support/factories';
import { givenCommands } from '../support/given-commands';

const at = '2026-03-05T00:00:00.000Z';

describe('who speaks on a ticket (product 5.9)', () => {
  const [customer, other, agent, admin] = (['customer', 'customer', 'agent', 'admin'] as const).map((role) =>
    checked(aUser({ role })),
  );

  test('its customer and the staff, and an agent speaks as the customer on a ticket of their own', () => {
    const ticket = aTicket({ customerId: customer?.id ?? '' });
    const speakers = [customer, agent, admin].map((actor) => actor && speakerOn(ticket, actor));
    expect(speakers).toEqual(['customer', 'staff', 'staff']);
    expect(agent && speakerOn(aTicket({ customerId: agent.id }), agent)).toBe('customer');
    expect(() => other && speakerOn(ticket, other)).toThrow(expect.objectContaining({ code: 'tickets.not-found' }));
  });
});

describe('the ticket after a reply (product 5.10)', () => {
  test.each<['customer' | 'staff', TicketStatus, TicketStatus]>([
    ['customer', 'open', 'open'],
    ['customer', 'triaged', 'open'],
    ['customer', 'closed', 'open'],
    ['staff', 'open', 'open'],
    ['staff', 'triaged', 'triaged'],
    ['staff', 'closed', 'closed'],
  ])('by the %s on a ticket that is %s is %s', (by, status, expected) => {
    const triage = { triagedAt: '2026-01-02T00:00:00.000Z', triageSeconds: 86_400 };
    const ticket = aTicket({ status, version: 4, customerVersion: 2, ...triage });
    const step = status === expected ? 0 : 1;
    expect(afterReply(ticket, by, at)).toEqual({
      ...ticket,
      ...{ status: expected, version: 4 + step, customerVersion: 2 + step },
      ...{ lastSpeaker: by, updatedAt: at, customerUpdatedAt: at },
    });
  });

  test('has a version of its own for the customer, who does not see all of them', () => {
    const ticket = aTicket({ version: 7, customerVersion: 3 });
    expect([versionFor('customer', ticket), versionFor('staff', ticket)]).toEqual([3, 7]);
  });
});

describe('the assignee of a ticket (product 5.11)', () => {
  test('changes the version and the time of the staff alone, and an assignee again changes nothing', () => {
    const ticket = aTicket({ version: 2 });
    const assignee = newId();
    const assigned = assign(ticket, assignee, at);
    expect(assigned).toEqual({ ...ticket, assigneeId: assignee, version: 3, updatedAt: at });
    expect(assign(assigned, assignee, at)).toBe(assigned);
    expect(assign(assigned, null, at)).toMatchObject({ assigneeId: null, version: 4 });
  });
});

describe('the commands (product 5.9, 5.10, 5.11)', () => {
  function given(overrides = {}) {
    const [customer, agent] = [aUser(), aUser({ role: 'agent' })];
    const ticket = aTicket({ customerId: customer.id, ...overrides });
    const system = givenCommands({ users: [customer, agent], tickets: [ticket] });
    const recorded = () => system.state().events.map(({ type, streamId, version }) => [type, streamId, version]);
    return { ...system, customer, agent, ticket, recorded };
  }

  test('a reply that reopens records the reply and the reopening, and answers with the version of its sender', async () => {
    const { as, customer, recorded, state, ticket } = given({ status: 'closed', version: 5, customerVersion: 2 });
    const refused = as(customer, { expectedVersion: 5 }).ReplyToTicket({ ticketId: ticket.id, message: 'No' });
    await expect(refused).rejects.toMatchObject({ kind: 'precondition', details: { currentVersion: 2 } });
    const said = await as(customer, { expectedVersion: 2 }).ReplyToTicket({ ticketId: ticket.id, message: 'No' });
    expect(said.result).toEqual({ id: ticket.id, version: 3 });
    const [reply] = [...state().ticketReplies.values()];
    expect(reply).toMatchObject({ authorId: customer.id, by: 'customer', message: 'No', ticketId: ticket.id });
    expect(recorded()).toEqual([
      ['TicketReplied', reply?.id, 1],
      ['TicketReopened', ticket.id, 6],
    ]);
  });

  test('an agent compares the version of the staff', async () => {
    const { agent, as, ticket } = given({ version: 5, customerVersion: 2 });
    const said = await as(agent, { expectedVersion: 5 }).ReplyToTicket({ ticketId: ticket.id, message: 'Yes' });
    expect(said.result).toEqual({ id: ticket.id, version: 5 });
  });

  test('an assignee who has the ticket already records nothing', async () => {
    const { agent, as, recorded, ticket } = given();
    const payload = { ticketId: ticket.id, assigneeId: agent.id };
    await as(agent).AssignTicket(payload);
    expect((await as(agent).AssignTicket(payload)).result).toEqual({ id: ticket.id, version: 2 });
    expect(recorded()).toEqual([['TicketAssigned', ticket.id, 2]]);
  });

  test('a deleted agent leaves the texts, and the tickets to others (product 1.5)', async () => {
    const { agent, as, recorded, state, ticket } = given();
    await as(agent).AssignTicket({ ticketId: ticket.id, assigneeId: agent.id });
    await as(agent).ReplyToTicket({ ticketId: ticket.id, message: 'Yes' });
    await as(agent).DeleteUser({ userId: agent.id });
    expect(state().tickets.get(ticket.id)).toMatchObject({ assigneeId: null, version: 3 });
    expect([...state().ticketReplies.values()]).toMatchObject([{ authorId: agent.id }]);
    expect(recorded().slice(-2)).toEqual([
      ['TicketAssigned', ticket.id, 3],
      ['UserDeleted', agent.id, 2],
    ]);
  });
});
