import { describe, expect, test } from 'vitest';
import { type RecordedEvent, upcast } from '../../src/cqrs/log/event';
import { targetsOf } from '../../src/cqrs/reading/view';
import { eventCatalogue, views } from '../../src/domains';
import { newId } from '../../src/platform/ids';
import { presentDashboard } from '../../src/tickets/dashboard';
import { TicketNoteWritten } from '../../src/tickets/events';
import { staffTicketListView, staffTicketView } from '../../src/tickets/staff-views';
import { changeStatus, previewOf, requireWorkable, type Ticket } from '../../src/tickets/ticket';
import type { TicketStatus } from '../../src/tickets/ticket-status';
import type { User } from '../../src/users/user';
import { anOrder, aTicket, aUser, checked } from '../support/factories';
import { givenCommands } from '../support/given-commands';

const at = '2026-03-01T10:00:00.000Z';
const issuedAt = Date.parse(at);

/** What an event of the log has beside its type, stream and data. */
const aRecord = { position: 1, id: 'e', metadata: { commandId: 'c', requestId: 'r' }, occurredAt: at };

describe('the rule which status a ticket can get (product 5.2)', () => {
  test.each<[TicketStatus, TicketStatus, 'changed' | 'unchanged' | 'refused']>([
    ['open', 'open', 'unchanged'],
    ['open', 'triaged', 'changed'],
    ['open', 'closed', 'changed'],
    ['triaged', 'open', 'changed'],
    ['triaged', 'triaged', 'unchanged'],
    ['triaged', 'closed', 'changed'],
    ['closed', 'open', 'refused'],
    ['closed', 'triaged', 'refused'],
    ['closed', 'closed', 'unchanged'],
  ])('a change of a ticket from %s to %s ends with “%s”', (from, to, expected) => {
    const ticket = aTicket({ status: from, version: 4, customerVersion: 2, triagedAt: at, triageSeconds: 60 });
    const change = () => changeStatus(ticket, to, '2026-03-05T00:00:00.000Z');
    if (expected === 'unchanged') {
      expect(change()).toBe(ticket);
    } else if (expected === 'refused') {
      const refusal = { kind: 'conflict', code: 'tickets.closed', details: { ticketId: ticket.id } };
      expect(change).toThrow(expect.objectContaining(refusal));
    } else {
      expect(change()).toEqual({
        ...ticket,
        status: to,
        version: 5,
        customerVersion: 3,
        updatedAt: '2026-03-05T00:00:00.000Z',
        customerUpdatedAt: '2026-03-05T00:00:00.000Z',
      });
    }
  });
});

describe('the time to triage of a ticket (product 5.5)', () => {
  const openedAt = '2026-03-01T09:00:00.000Z';

  test.each<[TicketStatus, string, number]>([
    ['triaged', '2026-03-01T10:00:00.000Z', 3600],
    ['closed', '2026-03-01T10:00:00.000Z', 3600],
    ['triaged', '2026-03-01T09:00:00.000Z', 0],
    ['triaged', '2026-03-01T09:00:00.499Z', 0],
    ['triaged', '2026-03-01T09:00:00.500Z', 1],
    ['triaged', '2026-03-04T09:00:00.000Z', 259_200],
    // The clocks of two machines differ a little.
    ['triaged', '2026-03-01T08:59:58.000Z', 0],
  ])(
    'the time to triage after a first change of status to %s at %s is %i seconds',
    (status, changedAt, triageSeconds) => {
      const ticket = aTicket({ createdAt: openedAt });
      expect(changeStatus(ticket, status, changedAt)).toMatchObject({ triagedAt: changedAt, triageSeconds });
    },
  );

  test('the time to triage stays the same when the status changes again', () => {
    const triaged = changeStatus(aTicket({ createdAt: openedAt }), 'triaged', at);
    const reopened = changeStatus(triaged, 'open', '2026-03-02T10:00:00.000Z');
    const closed = changeStatus(reopened, 'closed', '2026-03-03T10:00:00.000Z');
    expect(closed).toMatchObject({ version: 4, triagedAt: at, triageSeconds: 3600 });
  });

  test('a time to triage of zero stays zero when the status changes again', () => {
    const triaged = changeStatus(aTicket({ createdAt: at }), 'triaged', at);
    expect(changeStatus(triaged, 'closed', '2026-03-02T10:00:00.000Z')).toMatchObject({
      triagedAt: at,
      triageSeconds: 0,
    });
  });
});

describe('the rule who may work on a ticket (product 5.4)', () => {
  const customer = aUser();

  test.each<[string, User, 'allowed' | 'auth.insufficient-role' | 'tickets.not-found']>([
    ['the customer may not work on a ticket, and the refusal names the role', customer, 'auth.insufficient-role'],
    ['another customer may not work on a ticket, as if the ticket did not exist', aUser(), 'tickets.not-found'],
    ['an agent may work on a ticket', aUser({ role: 'agent' }), 'allowed'],
    ['an admin may work on a ticket', aUser({ role: 'admin' }), 'allowed'],
    ['an agent who opened a ticket may work on it', { ...customer, role: 'agent' }, 'allowed'],
  ])('%s', (_, actor, expected) => {
    const ticket = aTicket({ customerId: customer.id });
    const check = () => requireWorkable(ticket, checked(actor));
    if (expected === 'allowed') check();
    else expect(check).toThrow(expect.objectContaining({ code: expected }));
  });
});

describe('a preview (product 5.3)', () => {
  test.each([
    ['of a short text is the text', 'Hello  there', 'Hello there'],
    ['of exactly 120 characters is the text', 'a'.repeat(120), 'a'.repeat(120)],
    ['of a long text ends after a whole word', `${'word '.repeat(30)}`, `${'word '.repeat(24).trim()}…`],
    ['keeps a word that ends at 120 characters', `${'a'.repeat(120)} b`, `${'a'.repeat(120)}…`],
    [
      'keeps the last of two words when it ends at 120 characters',
      `${'a'.repeat(60)} ${'b'.repeat(59)} c`,
      `${'a'.repeat(60)} ${'b'.repeat(59)}…`,
    ],
    ['drops a word that would end at 121 characters', `${'a'.repeat(60)} ${'b'.repeat(60)}`, `${'a'.repeat(60)}…`],
    [
      'keeps a text of two words that is 120 characters long',
      `${'a'.repeat(60)} ${'b'.repeat(59)}`,
      `${'a'.repeat(60)} ${'b'.repeat(59)}`,
    ],
    ['cuts one word without an end at 120 characters', 'a'.repeat(200), `${'a'.repeat(120)}…`],
    ['is never cut through a surrogate pair', `${'a'.repeat(119)}😀😀`, `${'a'.repeat(119)}…`],
    ['keeps a surrogate pair that ends at 120 characters', `${'a'.repeat(118)}😀😀`, `${'a'.repeat(118)}😀…`],
    ['has spaces instead of line breaks', '\none\n\ntwo\tthree ', 'one two three'],
    ['of nothing but spaces is empty', ' \n ', ''],
  ])('a preview %s', (_, text, preview) => expect(previewOf(text)).toBe(preview));
});

/** As the log holds it since the first version of the event. */
const recorded: RecordedEvent = {
  position: 7,
  id: '0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11',
  type: 'TicketStatusChanged',
  streamType: 'ticket',
  streamId: '0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b12',
  version: 2,
  schemaVersion: 1,
  data: { customerId: '0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b13', status: 'triaged' },
  metadata: { commandId: 'c', requestId: 'r' },
  occurredAt: '2026-01-01T00:00:00.000Z',
};

test('a recorded TicketStatusChanged of version 1 is read in the newest shape (product 6.4)', () => {
  const { schemaVersion, data } = upcast(eventCatalogue, recorded);
  expect([schemaVersion, data]).toEqual([
    2,
    { customerId: '0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b13', from: null, to: 'triaged' },
  ]);
  expect(() => upcast(eventCatalogue, { ...recorded, data: { status: 'lost' } })).toThrow();
});

describe('the dashboard at the moment it is read (product 5.5)', () => {
  const now = Date.parse('2026-03-31T12:00:00.000Z');
  const day = (date: string, opened: number, closed: number) => ({ date, opened, reopened: 0, closed });

  test('the dashboard shows thirty days, today included, with zeros for days on which nothing happened', () => {
    const days = [day('2026-03-31', 2, 1), day('2026-03-02', 5, 0), day('2026-03-01', 9, 9)];
    const shown = presentDashboard({ counts: { open: 2 }, days, oldestOpenAt: null, medianTriageSeconds: null }, now);
    expect(shown.days).toHaveLength(30);
    expect([shown.days[0], shown.days[1], shown.days[29]]).toEqual([
      day('2026-03-02', 5, 0),
      day('2026-03-03', 0, 0),
      day('2026-03-31', 2, 1),
    ]);
    expect(shown).toMatchObject({ counts: { open: 2, triaged: 0, closed: 0 }, oldestOpenSeconds: null });
  });

  test('the dashboard shows an age of the oldest open ticket that rises without a change of the ticket', () => {
    const figures = { counts: {}, days: [], oldestOpenAt: '2026-03-31T11:00:00.000Z', medianTriageSeconds: 90.5 };
    expect(presentDashboard(figures, now)).toMatchObject({ oldestOpenSeconds: 3600, medianTriageSeconds: 91 });
    expect(presentDashboard(figures, now + 5999).oldestOpenSeconds).toBe(3605);
    expect(presentDashboard(figures, now - 3_600_001).oldestOpenSeconds).toBe(0);
  });

  test('the dashboard exists for a desk that never had a ticket', () => {
    expect(presentDashboard(undefined, now)).toMatchObject({
      counts: { open: 0, triaged: 0, closed: 0 },
      oldestOpenAt: null,
      oldestOpenSeconds: null,
      medianTriageSeconds: null,
    });
  });
});

function given(overrides: Partial<Ticket> = {}) {
  const [customer, other, agent] = [aUser(), aUser(), aUser({ role: 'agent' })];
  const order = anOrder({ customerId: customer.id });
  const ticket = aTicket({ customerId: customer.id, ...overrides });
  const commands = givenCommands({ users: [customer, other, agent], orders: [order], tickets: [ticket] });
  return { ...commands, customer, other, agent, order, ticket, stored: () => commands.state().tickets.get(ticket.id) };
}

describe('opening a ticket (product 5.1)', () => {
  const texts = { subject: ' My parcel is late ', message: 'Where\nis it?' };

  test('a new ticket is open and belongs to the caller, and its texts are in no event', async () => {
    const { as, customer, lastEvent, order, state } = given();
    const { result } = await as(customer, { issuedAt }).OpenTicket({ ...texts, orderId: order.id });
    expect(result).toEqual({ id: expect.any(String), version: 1 });
    expect(state().tickets.get(result.id)).toEqual({
      id: result.id,
      version: 1,
      customerId: customer.id,
      orderId: order.id,
      subject: 'My parcel is late',
      message: 'Where\nis it?',
      preview: 'Where is it?',
      notePreview: null,
      hasNote: false,
      status: 'open',
      createdAt: at,
      updatedAt: at,
      triagedAt: null,
      triageSeconds: null,
      customerVersion: 1,
      customerUpdatedAt: at,
      assigneeId: null,
      lastSpeaker: 'customer',
    });
    expect(lastEvent()).toMatchObject({
      type: 'TicketOpened',
      streamId: result.id,
      version: 1,
      data: { customerId: customer.id, orderId: order.id },
    });
    expect(JSON.stringify(state().events)).not.toMatch(/parcel|where/i);
  });

  test('a new ticket needs no order', async () => {
    const { as, lastEvent, other, state } = given();
    const { result } = await as(other).OpenTicket(texts);
    expect(state().tickets.get(result.id)?.orderId).toBeNull();
    expect(lastEvent()).toMatchObject({ data: { orderId: null } });
  });

  test('an agent opens a ticket for a customer, with the customer in the event and the agent as its actor', async () => {
    const { agent, as, customer, lastEvent, order, state } = given();
    const { result } = await as(agent).OpenTicket({ ...texts, customerId: customer.id, orderId: order.id });
    expect(state().tickets.get(result.id)).toMatchObject({ customerId: customer.id, orderId: order.id });
    expect(lastEvent()).toMatchObject({
      data: { customerId: customer.id, orderId: order.id },
      metadata: { actorId: agent.id },
    });
  });

  test('a customer who names a customer is refused, also with their own id (product 5.7)', async () => {
    const { as, customer, other, state } = given();
    const before = state();
    for (const { id: customerId } of [customer, other]) {
      const refused = as(customer).OpenTicket({ ...texts, customerId });
      await expect(refused).rejects.toMatchObject({ code: 'auth.insufficient-role' });
    }
    expect(state()).toBe(before);
  });

  test('a new ticket is refused for an order of another customer, for staff too', async () => {
    const { agent, as, order, other, state } = given();
    const before = state();
    for (const caller of [other, agent]) {
      const refused = as(caller).OpenTicket({ ...texts, orderId: order.id });
      await expect(refused).rejects.toMatchObject({ kind: 'invalid', code: 'tickets.unknown-order' });
    }
    expect(state()).toBe(before);
  });
});

describe('changing the status of a ticket (product 5.2)', () => {
  test('a change of status is saved with an event that has the status before and after', async () => {
    const { agent, as, customer, lastEvent, stored, ticket } = given({ status: 'triaged', version: 3 });
    const { result } = await as(agent, { issuedAt }).ChangeTicketStatus({ ticketId: ticket.id, status: 'closed' });
    expect(result).toEqual({ id: ticket.id, version: 4 });
    expect(stored()).toMatchObject(changeStatus(ticket, 'closed', at));
    expect(lastEvent()).toMatchObject({
      type: 'TicketStatusChanged',
      schemaVersion: 2,
      version: 4,
      data: { customerId: customer.id, from: 'triaged', to: 'closed' },
    });
  });

  test.each<TicketStatus>(['open', 'triaged', 'closed'])(
    'a change to the status %s, which the ticket has already, changes nothing and records nothing',
    async (status) => {
      const { agent, as, state, ticket } = given({ status, version: 3 });
      const before = structuredClone(state());
      const { result } = await as(agent).ChangeTicketStatus({ ticketId: ticket.id, status });
      expect(result).toEqual({ id: ticket.id, version: 3 });
      expect(state()).toEqual(before);
    },
  );

  test('a change of status is refused once the ticket is closed', async () => {
    const { agent, as, stored, ticket } = given({ status: 'closed' });
    const refused = as(agent).ChangeTicketStatus({ ticketId: ticket.id, status: 'open' });
    await expect(refused).rejects.toMatchObject({ kind: 'conflict', code: 'tickets.closed' });
    expect(stored()).toMatchObject(ticket);
  });

  test('a change of status is refused when another agent closes the ticket at the same time (product 6.3)', async () => {
    const { agent, as, stored, ticket } = given();
    const outcomes = await Promise.allSettled([
      as(agent).ChangeTicketStatus({ ticketId: ticket.id, status: 'closed' }),
      as(agent).ChangeTicketStatus({ ticketId: ticket.id, status: 'triaged' }),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(outcomes[1]).toMatchObject({ reason: { code: 'tickets.closed' } });
    expect(stored()).toMatchObject({ status: 'closed', version: 2 });
  });
});

describe('adding a note to a ticket (product 5.2)', () => {
  test.each<TicketStatus>(['open', 'closed'])(
    'a note can be added to a ticket that is %s, and the note is in no event',
    async (status) => {
      const { agent, as, lastEvent, state, stored, ticket } = given({ status, version: 3, customerVersion: 2 });
      const { result } = await as(agent, { issuedAt }).AddTicketNote({
        ticketId: ticket.id,
        note: ' Asked the carrier ',
      });
      expect(result).toEqual({ id: ticket.id, version: 3 });
      // Nothing that the customer sees has changed (product 5.4).
      expect(stored()).toEqual({
        ...ticket,
        preview: ticket.message,
        updatedAt: at,
        hasNote: true,
        notePreview: 'Asked the carrier',
      });
      const [note] = state().ticketNotes.values();
      expect(note).toEqual({
        id: expect.any(String),
        ticketId: ticket.id,
        authorId: agent.id,
        note: 'Asked the carrier',
        createdAt: at,
      });
      expect(lastEvent()).toMatchObject({
        type: 'TicketNoteWritten',
        streamType: 'ticket-note',
        streamId: note?.id,
        version: 1,
        data: { ticketId: ticket.id, status },
      });
      expect(JSON.stringify(state().events)).not.toContain('carrier');
    },
  );

  test('notes of version 0.3.0 and of today touch the agents’ documents, and none of the customer (product 5.4, 7.5)', () => {
    const [ticketId, noteId] = [newId(), newId()];
    const old = { streamId: ticketId, version: 2, streamType: 'ticket', data: { noteId, status: 'open' } };
    const stored = [
      { type: 'TicketNoteAdded', ...old },
      TicketNoteWritten.create(noteId, 1, { ticketId, status: 'open' }),
    ];
    for (const event of stored) {
      const recorded = { ...aRecord, schemaVersion: 1, ...event };
      const touched = targetsOf(views, upcast(eventCatalogue, recorded)).map(({ view, key }) => `${view} ${key}`);
      expect(touched.toSorted()).toEqual([`${staffTicketListView.id} all`, `${staffTicketView.id} ${ticketId}`]);
    }
  });

  test('a note gets 404 when its ticket was deleted with the account since the replica was updated', async () => {
    const { agent, as, customer, freezeReplica, state, ticket } = given();
    freezeReplica();
    await as(customer).DeleteUser({ userId: customer.id });
    const note = { ticketId: ticket.id, note: 'A note' };
    const refused = as(agent, { readFrom: 'first-unconstrained' }).AddTicketNote(note);
    await expect(refused).rejects.toMatchObject({ code: 'tickets.not-found' });
    expect(state().ticketNotes.size).toBe(0);
  });

  test.each([2, 9])('%i notes that are sent at the same time are all added (product 6.3)', async (count) => {
    const { agent, as, state, stored, ticket } = given();
    const texts = Array.from({ length: count }, (_, index) => `Note ${index + 1}`);
    await Promise.all(texts.map((note) => as(agent).AddTicketNote({ ticketId: ticket.id, note })));
    expect(stored()?.version).toBe(1);
    expect([...state().ticketNotes.values()].map(({ note }) => note).toSorted()).toEqual(texts);
  });

  test('a note that is sent with a change of status names the status that the ticket has by then', async () => {
    const { agent, as, lastEvent, stored, ticket } = given();
    await Promise.all([
      as(agent).ChangeTicketStatus({ ticketId: ticket.id, status: 'triaged' }),
      as(agent).AddTicketNote({ ticketId: ticket.id, note: 'Asked' }),
    ]);
    expect(stored()).toMatchObject({ status: 'triaged', version: 2, notePreview: 'Asked' });
    expect(lastEvent()).toMatchObject({ type: 'TicketNoteWritten', data: { status: 'triaged' } });
  });

  test('with If-Match a note is refused after a change of status, and not after another note', async () => {
    const { agent, as, state, ticket } = given();
    const add = (note: string) => as(agent, { expectedVersion: 1 }).AddTicketNote({ ticketId: ticket.id, note });
    await Promise.all([add('One'), add('Two')]);
    expect(state().ticketNotes.size).toBe(2);
    const [changed, refused] = await Promise.allSettled([
      as(agent).ChangeTicketStatus({ ticketId: ticket.id, status: 'closed' }),
      add('Three'),
    ]);
    expect(changed.status).toBe('fulfilled');
    expect(refused).toMatchObject({ reason: { kind: 'precondition', details: { currentVersion: 2 } } });
  });
});

describe('work on a ticket', () => {
  test.each(['ChangeTicketStatus', 'AddTicketNote'] as const)(
    '%s is refused with 412 when If-Match names another version, and with 404 for an unknown ticket',
    async (name) => {
      const { agent, as, stored, ticket } = given({ version: 3 });
      const send = (ticketId: string, expectedVersion?: number) => {
        const commands = as(agent, { expectedVersion });
        return name === 'AddTicketNote'
          ? commands.AddTicketNote({ ticketId, note: 'A note' })
          : commands.ChangeTicketStatus({ ticketId, status: 'closed' });
      };
      await expect(send(ticket.id, 2)).rejects.toMatchObject({ kind: 'precondition', details: { currentVersion: 3 } });
      expect(stored()).toMatchObject(ticket);
      const ticketId = newId();
      await expect(send(ticketId)).rejects.toMatchObject({ code: 'tickets.not-found', details: { ticketId } });
    },
  );
});
