import { describe, expect, test } from 'vitest';
import { newId } from '../../../src/platform/ids';
import { TicketAssigned, TicketDeleted, TicketNoteWritten } from '../../../src/tickets/events';
import type { Ticket } from '../../../src/tickets/ticket';
import type { User } from '../../../src/users/user';
import { aTicket, aUser, checked } from '../factories';
import { type CreateImplementation, given } from './implementation';

const agent = checked(aUser({ role: 'agent' }));

async function givenCustomer(create: CreateImplementation) {
  const system = await given(create);
  const findTicket = (id: string) => system.read((tx) => tx.tickets.find(id));
  return { ...system, findTicket, customer: await system.addUser() };
}

/** Tickets and their notes. */
export function describeTicketRepository(create: CreateImplementation): void {
  describe('the repository of tickets', () => {
    test('a ticket is found as it was added, with the preview of its message', async () => {
      const { addTicket, customer, findTicket } = await givenCustomer(create);
      const ticket = await addTicket(customer, { message: 'Where\nis it?' });
      const computed = { preview: 'Where is it?', hasNote: false, notePreview: null };
      expect(await findTicket(ticket.id)).toEqual({ ...ticket, ...computed });
      expect(await findTicket(newId())).toBeUndefined();
    });

    test('a ticket that names an order of its customer is added (product 5.1)', async () => {
      const { addOrder, addTicket, customer, findTicket } = await givenCustomer(create);
      const order = await addOrder(customer);
      const ticket = await addTicket(customer, { orderId: order.id });
      expect((await findTicket(ticket.id))?.orderId).toBe(order.id);
    });

    test.each(['of another customer', 'that does not exist'])(
      'a ticket that names an order %s is refused, and the error names the field (product 5.1)',
      async (which) => {
        const { addOrder, addTicket, addUser, customer, findTicket } = await givenCustomer(create);
        const orderId = which === 'that does not exist' ? newId() : (await addOrder(await addUser())).id;
        const id = newId();
        await expect(addTicket(customer, { id, orderId })).rejects.toMatchObject({
          kind: 'invalid',
          code: 'tickets.unknown-order',
          details: { orderId },
          errors: [{ pointer: '/orderId', code: 'tickets.unknown-order' }],
        });
        expect(await findTicket(id)).toBeUndefined();
      },
    );

    test.each(['unknown', 'deactivated', 'deleted'])(
      'a ticket for a customer whose account is %s at the commit is refused, and the error names the field (product 5.7)',
      async (which) => {
        const { addUser, customer, findTicket, write } = await givenCustomer(create);
        const id = newId();
        const account = which === 'unknown' ? aUser() : await addUser(aUser({ isActive: which !== 'deactivated' }));
        if (which === 'deleted') await write((tx) => tx.users.remove(account, agent));
        const customerId = account.id;
        await expect(write((tx) => tx.tickets.add(aTicket({ id, customerId }), agent))).rejects.toMatchObject({
          kind: 'invalid',
          code: 'tickets.unknown-customer',
          details: { customerId },
          errors: [{ pointer: '/customerId', code: 'tickets.unknown-customer' }],
        });
        expect(await findTicket(id)).toBeUndefined();
        await write((tx) => tx.tickets.add(aTicket({ id, customerId: customer.id }), agent));
        expect((await findTicket(id))?.customerId).toBe(customer.id);
      },
    );

    test('a new status of a ticket is saved with its times and versions, and no other field changes', async () => {
      const { addTicket, customer, findTicket, write } = await givenCustomer(create);
      const [ticket, other] = [await addTicket(customer), await addTicket(customer)];
      const saved = {
        version: 2,
        status: 'triaged',
        updatedAt: '2026-02-01T00:00:00.000Z',
        triagedAt: '2026-02-02T00:00:00.000Z',
        triageSeconds: 60,
        customerVersion: 3,
        customerUpdatedAt: '2026-02-03T00:00:00.000Z',
      } as const;
      await write((tx) => tx.tickets.saveStatus({ ...ticket, ...saved, subject: 'Changed' }, agent));
      expect(await findTicket(ticket.id)).toMatchObject({ ...ticket, ...saved });
      expect(await findTicket(other.id)).toMatchObject(other);
    });

    const laterAt = '2026-02-02T00:00:00.000Z';
    const aNote = (ticket: Ticket, note: string, createdAt: string) => ({
      ...{ id: newId(), ticketId: ticket.id, authorId: agent.id },
      ...{ note, createdAt },
    });

    test('a note is added to one ticket, with the preview of the newest note, and leaves its version (product 5.3)', async () => {
      const { addTicket, customer, findTicket, write } = await givenCustomer(create);
      const [ticket, other] = [await addTicket(customer), await addTicket(customer)];
      const changed = { ...ticket, subject: 'Changed', customerVersion: 9 };
      const first = aNote(ticket, 'Asked the carrier', '2026-02-01T00:00:00.000Z');
      const second = aNote(ticket, 'It is\non its way', laterAt);
      for (const note of [first, second]) await write((tx) => tx.tickets.addNote(changed, note, agent));
      expect(await findTicket(ticket.id)).toEqual({
        ...ticket,
        updatedAt: laterAt,
        preview: 'Where is it?',
        hasNote: true,
        notePreview: 'It is on its way',
      });
      expect(await findTicket(other.id)).toMatchObject({ version: 1, hasNote: false, notePreview: null });
    });

    test('a note that is committed after a newer one changes neither the preview nor the time (product 5.3)', async () => {
      const { addTicket, customer, findTicket, write } = await givenCustomer(create);
      const ticket = await addTicket(customer);
      const older = aNote(ticket, 'Asked the carrier', '2026-02-01T00:00:00.000Z');
      const newer = aNote(ticket, 'It is on its way', laterAt);
      for (const note of [newer, older]) await write((tx) => tx.tickets.addNote(ticket, note, agent));
      expect(await findTicket(ticket.id)).toMatchObject({ notePreview: 'It is on its way', updatedAt: laterAt });
    });

    test.each([2, 9])(
      '%i notes that all read the ticket before the first commit are added (product 6.3)',
      async (n) => {
        const { addTicket, customer, findTicket, run, write } = await givenCustomer(create);
        const ticket = await addTicket(customer);
        const notes = Array.from({ length: n }, (_, index) => aNote(ticket, `Note ${index}`, laterAt));
        // Each runs once: a unit of work tries nothing again.
        await Promise.all(
          notes.map((note) =>
            run(async (tx) => {
              const read = await tx.tickets.find(ticket.id);
              tx.tickets.addNote(read ?? ticket, note, agent);
              tx.record(TicketNoteWritten.create(note.id, 1, { ticketId: ticket.id, status: 'open' }));
            }),
          ),
        );
        expect(await findTicket(ticket.id)).toMatchObject({ version: 1, notePreview: notes.at(-1)?.note });
        await write((tx) => tx.tickets.addNote(ticket, aNote(ticket, 'The last one', laterAt), agent));
      },
    );

    test('a note is refused when the status of its ticket has changed since it was read (product 6.3)', async () => {
      const { addTicket, customer, findTicket, write } = await givenCustomer(create);
      const ticket = await addTicket(customer);
      const closed = { ...ticket, version: 2, status: 'closed' } as const;
      await write((tx) => tx.tickets.saveStatus(closed, agent));
      const refused = write((tx) => tx.tickets.addNote(ticket, aNote(ticket, 'A note', laterAt), agent));
      await expect(refused).rejects.toMatchObject({ name: 'ConcurrencyError' });
      expect(await findTicket(ticket.id)).toMatchObject({ hasNote: false, notePreview: null });
    });

    test('a status that was decided before a note keeps the time of the note, and its preview', async () => {
      const { addTicket, customer, findTicket, write } = await givenCustomer(create);
      const ticket = await addTicket(customer);
      await write((tx) => tx.tickets.addNote(ticket, aNote(ticket, 'A note', laterAt), agent));
      const next = { ...ticket, version: 2, status: 'triaged', updatedAt: '2026-02-01T00:00:00.000Z' } as const;
      await write((tx) => tx.tickets.saveStatus(next, agent));
      expect(await findTicket(ticket.id)).toMatchObject({
        status: 'triaged',
        updatedAt: laterAt,
        hasNote: true,
        notePreview: 'A note',
      });
    });

    test('a note whose ticket was deleted in the meantime is refused', async () => {
      const { write } = await given(create);
      const refused = { name: 'ConcurrencyError' };
      const note = { id: newId(), ticketId: newId(), authorId: agent.id, note: 'x', createdAt: '' };
      await expect(write((tx) => tx.tickets.addNote(aTicket(), note, agent))).rejects.toMatchObject(refused);
    });

    const aReply = (ticket: Ticket, by: 'customer' | 'staff', createdAt: string) => ({
      ...{ id: newId(), ticketId: ticket.id, authorId: by === 'staff' ? agent.id : ticket.customerId },
      ...{ by, message: 'A reply', createdAt },
    });

    test('a reply of the staff leaves status and versions, and shows who spoke last (product 5.9)', async () => {
      const { addTicket, customer, findTicket, write } = await givenCustomer(create);
      const [ticket, other] = [await addTicket(customer, { status: 'closed' }), await addTicket(customer)];
      await write((tx) => tx.tickets.addReply(ticket, aReply(ticket, 'staff', laterAt), agent));
      const times = { updatedAt: laterAt, customerUpdatedAt: laterAt };
      expect(await findTicket(ticket.id)).toMatchObject({ ...ticket, ...times, lastSpeaker: 'staff' });
      expect(await findTicket(other.id)).toMatchObject(other);
    });

    test('a reply of the customer reopens a ticket, and the reply of an older time does not speak last (product 5.10)', async () => {
      const { addTicket, customer, findTicket, write } = await givenCustomer(create);
      const ticket = await addTicket(customer, {
        status: 'triaged',
        version: 2,
        customerVersion: 2,
        triagedAt: laterAt,
      });
      const early = aReply(ticket, 'staff', '2026-02-01T00:00:00.000Z');
      await write((tx) => tx.tickets.addReply(ticket, aReply(ticket, 'customer', laterAt), checked(customer)));
      const reopened = { status: 'open', version: 3, customerVersion: 3, triagedAt: laterAt } as const;
      expect(await findTicket(ticket.id)).toMatchObject(reopened);
      await write((tx) => tx.tickets.addReply({ ...ticket, ...reopened }, early, agent));
      expect(await findTicket(ticket.id)).toMatchObject({
        ...reopened,
        ...{ lastSpeaker: 'customer', updatedAt: laterAt, customerUpdatedAt: laterAt },
      });
    });

    test('a reply is refused when the status of its ticket has changed since it was read (product 5.10)', async () => {
      const { addTicket, customer, findTicket, write } = await givenCustomer(create);
      const ticket = await addTicket(customer);
      await write((tx) => tx.tickets.saveStatus({ ...ticket, version: 2, status: 'closed' }, agent));
      const refused = write((tx) =>
        tx.tickets.addReply(ticket, aReply(ticket, 'customer', laterAt), checked(customer)),
      );
      await expect(refused).rejects.toMatchObject({ name: 'ConcurrencyError' });
      expect(await findTicket(ticket.id)).toMatchObject({
        status: 'closed',
        customerUpdatedAt: ticket.customerUpdatedAt,
      });
    });

    test('a status that was decided before a reply keeps the times of the reply', async () => {
      const { addTicket, customer, findTicket, write } = await givenCustomer(create);
      const ticket = await addTicket(customer);
      await write((tx) => tx.tickets.addReply(ticket, aReply(ticket, 'staff', laterAt), agent));
      const early = '2026-02-01T00:00:00.000Z';
      const next = { ...ticket, version: 2, status: 'triaged', updatedAt: early, customerUpdatedAt: early } as const;
      await write((tx) => tx.tickets.saveStatus(next, agent));
      expect(await findTicket(ticket.id)).toMatchObject({ updatedAt: laterAt, customerUpdatedAt: laterAt });
    });

    test.each(['customer', 'agent', 'admin'] as const)(
      'a ticket can be given to an active account with the role %s, if that is not a customer (product 5.11)',
      async (role) => {
        const { addTicket, addUser, customer, findTicket, write } = await givenCustomer(create);
        const ticket = await addTicket(customer);
        for (const isActive of [true, false]) {
          const { id: assigneeId } = await addUser(aUser({ role, isActive }));
          const assigned = { ...ticket, assigneeId, version: ticket.version + 1, updatedAt: laterAt };
          const written = write((tx) => tx.tickets.saveAssignee(assigned, agent));
          if (isActive && role !== 'customer') {
            await written;
            expect(await findTicket(ticket.id)).toMatchObject(assigned);
          } else {
            await expect(written).rejects.toMatchObject({
              ...{ kind: 'invalid', code: 'tickets.unknown-assignee', details: { assigneeId } },
              errors: [{ pointer: '/assigneeId', code: 'tickets.unknown-assignee' }],
            });
          }
        }
      },
    );

    test('a ticket is deleted with its account (product 1.5)', async () => {
      const { addTicket, customer, findTicket, write } = await givenCustomer(create);
      const ticket = await addTicket(customer);
      await write((tx) => tx.users.remove(customer, checked(customer)));
      expect(await findTicket(ticket.id)).toBeUndefined();
    });
  });

  describe('the release of the tickets of an assignee (product 5.11)', () => {
    const releasedAt = '2026-02-02T00:00:00.000Z';

    async function givenAssigned() {
      const system = await givenCustomer(create);
      const { addTicket, addUser, customer } = system;
      const assignee = await addUser(aUser({ role: 'agent' }));
      const assigned = { assigneeId: assignee.id };
      const closed = await addTicket(customer, { ...assigned, status: 'closed', version: 5 });
      const open = await addTicket(customer, assigned);
      const own = await addTicket(assignee, assigned);
      return { ...system, assignee, closed, open, own };
    }

    test('it releases tickets of others, and leaves those that the account has opened', async () => {
      const { assignee, closed, customer, findTicket, open, own, run } = await givenAssigned();
      const { result } = await run(async (tx) => {
        const released = await tx.tickets.releaseNextOf(assignee.id, releasedAt, 2);
        for (const { id, version, customerId } of released.rows) {
          tx.record(TicketAssigned.create(id, version + 1, { customerId, assigneeId: null }));
        }
        return released;
      });
      const facts = { customerId: customer.id };
      expect(result.isLast).toBe(true);
      expect(new Set(result.rows)).toEqual(
        new Set([
          { id: closed.id, version: 5, ...facts },
          { id: open.id, version: 1, ...facts },
        ]),
      );
      const released = { assigneeId: null, updatedAt: releasedAt };
      expect(await findTicket(closed.id)).toMatchObject({ ...released, version: 6 });
      expect(await findTicket(open.id)).toMatchObject({ ...released, version: 2 });
      expect(await findTicket(own.id)).toMatchObject(own);
    });

    test('it takes as many as it is told, and is refused when another ticket is assigned in the meantime', async () => {
      const { assignee, addTicket, customer, run, write } = await givenAssigned();
      const { result } = await run(async (tx) => {
        const released = await tx.tickets.releaseNextOf(assignee.id, releasedAt, 1);
        for (const { id, version, customerId } of released.rows) {
          tx.record(TicketAssigned.create(id, version + 1, { customerId, assigneeId: null }));
        }
        return released;
      });
      expect([result.rows.length, result.isLast]).toEqual([1, false]);
      const refused = write(async (tx) => {
        await tx.tickets.releaseNextOf(assignee.id, releasedAt, 2);
        await addTicket(customer, { assigneeId: assignee.id });
      });
      await expect(refused).rejects.toMatchObject({ name: 'ConcurrencyError' });
    });
  });

  describe('the release of the tickets of an account that may not work on them any more (product 5.11)', () => {
    const changedAt = '2026-03-03T00:00:00.000Z';

    /** An account with two tickets of its own and of another customer, and how its next tickets are released. */
    async function givenFormer(overrides: Partial<User>) {
      const system = await givenCustomer(create);
      const { addTicket, addUser, customer, run } = system;
      const former = await addUser(aUser({ updatedAt: changedAt, ...overrides }));
      const assigned = { assigneeId: former.id };
      const tickets = [
        await addTicket(customer, { ...assigned, version: 3 }),
        await addTicket(former, { ...assigned, status: 'closed', updatedAt: '2027-01-01T00:00:00.000Z' }),
      ];
      const release = (most: number) =>
        run(async (tx) => {
          const released = await tx.tickets.releaseNextOfFormer(former.id, most);
          for (const { id, version, customerId } of released.rows) {
            tx.record(TicketAssigned.create(id, version + 1, { customerId, assigneeId: null }));
          }
          return released;
        });
      return { ...system, former, release, tickets };
    }

    test.each([
      ['is deactivated', { role: 'agent', isActive: false }],
      ['is a customer', { role: 'customer', isActive: true }],
    ] as const)(
      'it releases those of an account that %s, as of the change, also its own tickets',
      async (_, account) => {
        const { findTicket, release, tickets } = await givenFormer(account);
        const { result } = await release(2);
        expect([result.rows.length, result.isLast]).toEqual([2, true]);
        const [open, closed] = await Promise.all(tickets.map(({ id }) => findTicket(id)));
        expect(open).toMatchObject({ assigneeId: null, version: 4, updatedAt: changedAt });
        expect(closed).toMatchObject({ assigneeId: null, updatedAt: '2027-01-01T00:00:00.000Z' });
      },
    );

    test('it takes as many as it is told, and leaves those of an active agent', async () => {
      const { release } = await givenFormer({ role: 'agent', isActive: false });
      expect((await release(1)).result).toMatchObject({ isLast: false, rows: { length: 1 } });
      const { findTicket, release: releaseActive, tickets } = await givenFormer({ role: 'agent' });
      expect((await releaseActive(2)).result).toEqual({ rows: [], isLast: true });
      expect(await findTicket(tickets[0]?.id ?? '')).toMatchObject({ assigneeId: tickets[0]?.assigneeId });
    });

    test('it is refused when the account may work on tickets again in the meantime', async () => {
      const { former, write } = await givenFormer({ role: 'agent', isActive: false });
      const refused = write(async (tx) => {
        await tx.tickets.releaseNextOfFormer(former.id, 1);
        const active = { ...former, isActive: true, version: former.version + 1 };
        await write((next) => next.users.save(active, checked(former)));
      });
      await expect(refused).rejects.toMatchObject({ name: 'ConcurrencyError' });
    });
  });

  describe('the removal of all tickets of a customer (product 1.5)', () => {
    test('the removal of all tickets of a customer returns them with their versions, and leaves those of others', async () => {
      const { addTicket, addUser, customer, findTicket, run } = await givenCustomer(create);
      const [one, two] = [await addTicket(customer), await addTicket(customer, { version: 5, status: 'closed' })];
      const other = await addTicket(await addUser());
      const { result } = await run(async (tx) => {
        const removed = await tx.tickets.removeNextOf(customer.id, 2);
        for (const { id, version } of removed.rows) {
          tx.record(TicketDeleted.create(id, version + 1, { customerId: customer.id }));
        }
        return removed;
      });
      expect(result).toEqual({
        rows: [
          { id: one.id, version: 1 },
          { id: two.id, version: 5 },
        ],
        isLast: true,
      });
      expect([await findTicket(one.id), await findTicket(two.id)]).toEqual([undefined, undefined]);
      expect(await findTicket(other.id)).toMatchObject(other);
    });

    test('the removal of the next tickets of a customer leaves the others for the next step', async () => {
      const { addTicket, customer, findTicket, run } = await givenCustomer(create);
      const [one, two] = [await addTicket(customer), await addTicket(customer)];
      const { result } = await run(async (tx) => {
        const removed = await tx.tickets.removeNextOf(customer.id, 1);
        for (const { id, version } of removed.rows) {
          tx.record(TicketDeleted.create(id, version + 1, { customerId: customer.id }));
        }
        return removed;
      });
      expect(result).toEqual({ rows: [{ id: one.id, version: 1 }], isLast: false });
      expect([await findTicket(one.id), await findTicket(two.id)]).toMatchObject([undefined, two]);
    });

    test('the removal of all tickets of a customer is refused when a ticket is opened in the meantime', async () => {
      const { addTicket, customer, findTicket, write } = await givenCustomer(create);
      const ticket = await addTicket(customer);
      const refused = write(async (tx) => {
        await tx.tickets.removeNextOf(customer.id, 2);
        await addTicket(customer);
      });
      await expect(refused).rejects.toMatchObject({ name: 'ConcurrencyError' });
      expect(await findTicket(ticket.id)).toMatchObject(ticket);
    });
  });
}
