import { env } from 'cloudflare:workers';
import { sql } from 'drizzle-orm';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { RecordedEvent } from '../../src/cqrs/log/event';
import { type EventRow, toRecordedEvent } from '../../src/cqrs/log/event-log';
import { createD1UnitOfWork } from '../../src/cqrs/writing/d1-unit-of-work';
import { ConcurrencyError } from '../../src/cqrs/writing/errors';
import { checkInBatch, explainRefusal } from '../../src/cqrs/writing/guards';
import { constraints, createRepositories, eventCatalogue } from '../../src/domains';
import { openSession, runBatch } from '../../src/platform/d1';
import { newId } from '../../src/platform/ids';
import { limits } from '../../src/platform/limits';
import { TicketDeleted, TicketStatusChanged } from '../../src/tickets/events';
import { changeStatus, type Ticket } from '../../src/tickets/ticket';
import { UserRegistered, UserUpdated } from '../../src/users/events';
import type { User } from '../../src/users/user';
import {
  anyEvent,
  type CreateImplementation,
  contractSubscriptions,
  given,
  type StoredDelivery,
} from '../support/contract/implementation';
import { aContext, aUser, callerOf, checked } from '../support/factories';
import { tablesOf } from '../support/tables';
import { describeUnitOfWork } from '../support/unit-of-work-contract';
import { createTime } from '../support/wait';

/** Empties every table, so that a test sees its own rows alone. Positions start at 1 again, as in a new event log. */
async function emptyDatabase(): Promise<void> {
  const deletions = (await tablesOf(env.DB)).map(({ name }) => env.DB.prepare(`DELETE FROM ${name}`));
  await env.DB.batch([env.DB.prepare('PRAGMA defer_foreign_keys = on'), ...deletions]);
}

function all<Row>(query: string, ...values: unknown[]): Promise<Row[]> {
  return env.DB.prepare(query)
    .bind(...values)
    .all<Row>()
    .then(({ results }) => results);
}

function createOn(database: D1Database, committed: RecordedEvent[] = []): CreateImplementation {
  return async (clock = { now: () => Date.now() }) => {
    await emptyDatabase();
    return {
      unitOfWork: createD1UnitOfWork({
        database,
        clock,
        catalogue: eventCatalogue,
        createRepositories,
        receivers: {
          subscriptionsOf: () => contractSubscriptions,
          onlyIfWantedBy: () => undefined,
          wantsEmails: () => sql`true`,
        },
        constraints,
        count() {},
        onCommitted: async (events) => void committed.push(...events),
        wait: createTime().wait,
      }),
      eventsOf: async (id) =>
        (await all<EventRow>('SELECT * FROM events WHERE stream_id = ? ORDER BY position', id)).map(toRecordedEvent),
      deliveriesOf: (position) =>
        all<StoredDelivery>(
          `SELECT subscription, status, attempts, failures, last_error AS lastError, available_at AS availableAt
            FROM deliveries
            WHERE position = ? ORDER BY subscription`,
          position,
        ),
      markDead: async (position) =>
        void (await all(
          "UPDATE deliveries SET status = 'dead', attempts = 3, failures = 2, last_error = 'Error' WHERE position = ?",
          position,
        )),
      endRebuild: async (id) => void (await all("UPDATE rebuilds SET status = 'done' WHERE id = ?", id)),
    };
  };
}

const create = createOn(env.DB);

describeUnitOfWork('on D1', create);

/**
 * D1 with something around its next batches.
 * @param around runs instead of each batch in turn, with the number of its statements; after the last one, batches are sent
 * as they are
 */
function withBatches(around: ((send: () => Promise<unknown>, count: number) => Promise<unknown>)[]): D1Database {
  return {
    ...env.DB,
    withSession(from: string) {
      const session = env.DB.withSession(from);
      return new Proxy(session, {
        get(target, property) {
          if (property !== 'batch') return Reflect.get(target, property).bind(target);
          return (statements: D1PreparedStatement[]) => {
            const send = () => target.batch(statements);
            return (around.shift() ?? ((plain) => plain()))(send, statements.length);
          };
        },
      });
    },
    // Only what the unit of work calls.
  } as unknown as D1Database;
}

/** What a session of {@link withBookmarks} does to a statement of D1. */
const statementMethods: readonly (string | symbol)[] = ['all', 'raw', 'run', 'first'];

/**
 * D1 with bookmarks as the documentation defines them: a session knows the state of the last response that it received,
 * and nothing of a response that was lost. A bookmark is the position of the newest event.
 */
function withBookmarks(database: D1Database): D1Database {
  return {
    ...database,
    withSession(from: string) {
      const session = database.withSession(from);
      const originals = new WeakMap<object, D1PreparedStatement>();
      let bookmark: string | null = null;
      async function received<Response>(response: Promise<Response>): Promise<Response> {
        const answer = await response;
        const [row] = await all<{ position: number | null }>('SELECT max(position) AS position FROM events');
        bookmark = String(row?.position ?? 0);
        return answer;
      }
      function watch(statement: D1PreparedStatement): D1PreparedStatement {
        const watched = new Proxy(statement, {
          get(target, property) {
            const method = Reflect.get(target, property).bind(target);
            if (property === 'bind') return (...values: unknown[]) => watch(method(...values));
            return statementMethods.includes(property) ? (...args: unknown[]) => received(method(...args)) : method;
          },
        });
        originals.set(watched, statement);
        return watched;
      }
      return {
        prepare: (query: string) => watch(session.prepare(query)),
        batch: (statements: D1PreparedStatement[]) =>
          received(session.batch(statements.map((statement) => originals.get(statement) ?? statement))),
        getBookmark: () => bookmark,
      };
    },
    // Only what the unit of work calls.
  } as unknown as D1Database;
}

const connectionLost = 'D1_ERROR: Network connection lost.';

const modes = {
  applied: async (send: () => Promise<unknown>) => {
    await send();
    throw new Error(connectionLost);
  },
  lost: async () => {
    throw new Error(connectionLost);
  },
};

describe('a commit on D1', () => {
  test.each<[string, (keyof typeof modes)[]]>([
    ['', []],
    [', also when its first response is lost', ['lost']],
  ])('two commands of one request begin with different events%s', async (_, lost) => {
    const around: Parameters<typeof withBatches>[0] = [];
    const { eventsOf, run } = await given(createOn(withBatches(around)));
    const context = { ...aContext(), firstEventId: newId() };
    const register = (user: User, more = {}) =>
      run(
        (tx) => {
          tx.users.add(user);
          tx.record(UserRegistered.create(user.id, 1, { role: 'customer' }));
        },
        { ...context, ...more },
      );
    const [one, other] = [aUser(), aUser()];
    await register(one);
    around.push(...lost.map((mode) => modes[mode]));
    await expect(register(other)).rejects.toThrow(ConcurrencyError);
    // The runner tries it again without this id.
    await register(other, { firstEventId: undefined });
    const ids = [...(await eventsOf(one.id)), ...(await eventsOf(other.id))].map(({ id }) => id);
    expect(ids).toEqual([context.firstEventId, expect.not.stringContaining(context.firstEventId)]);
  });

  test.each<(keyof typeof modes)[][]>([[['applied']], [['lost']], [['lost', 'applied']], [['applied', 'applied']]])(
    'whose response was lost (%j) is applied exactly once and reported as done (product 7.1)',
    async (lost) => {
      const committed: RecordedEvent[] = [];
      const { eventsOf, run } = await given(createOn(withBatches(lost.map((mode) => modes[mode])), committed));
      const user = aUser();
      const { commit } = await run((tx) => {
        tx.users.add(user);
        tx.record(UserRegistered.create(user.id, 1, { role: 'customer' }));
      });
      const events = await eventsOf(user.id);
      expect(events.map(({ position }) => position)).toEqual([commit.position]);
      expect(committed).toEqual(
        events.map((event) => expect.objectContaining({ id: event.id, position: event.position })),
      );
    },
  );

  test.each<(keyof typeof modes)[][]>([
    [[]],
    [['applied']],
    [['lost']],
    [['lost', 'applied']],
    [['lost', 'lost', 'lost', 'applied']],
  ])(
    'whose response was lost (%j) reports a bookmark that is at least as new as the commit (product 7.4)',
    async (lost) => {
      const around: ((send: () => Promise<unknown>) => Promise<unknown>)[] = [];
      const { addUser, run } = await given(createOn(withBookmarks(withBatches(around))));
      const user = await addUser();
      const { commit } = await run(
        async (tx) => {
          // The session has seen the state before the commit.
          await tx.users.findAll([user.id]);
          around.push(...lost.map((mode) => modes[mode]));
          tx.record(anyEvent());
        },
        aContext({ readFrom: 'first-unconstrained' }),
      );
      expect(Number(commit.bookmark)).toBe(commit.position);
    },
  );

  test('whose twin a replica may not know looks for the stored response on the primary (product 6.2)', async () => {
    const sessions: string[] = [];
    const withSession = (from: string) => {
      sessions.push(from);
      return env.DB.withSession(from);
    };
    const { run } = await given(createOn({ ...env.DB, withSession } as unknown as D1Database));
    const context = aContext({ commandId: 'command', requestHashes: ['hash'], readFrom: 'first-unconstrained' });
    await run((tx) => tx.record(anyEvent()), context);
    sessions.length = 0;
    const replayed = await run(() => expect.unreachable('The handler ran a second time.'), context);
    expect(replayed.isReplayed).toBe(true);
    expect(sessions).toContain('first-primary');
  });

  test('that is replayed, or that has nothing to change, reports a bookmark as new as its position', async () => {
    const { addUser, run } = await given(createOn(withBookmarks(env.DB)));
    const context = aContext({ commandId: 'command', requestHashes: ['hash'] });
    const first = await run((tx) => tx.record(anyEvent()), context);
    await addUser();
    const replayed = await run(() => expect.unreachable('The handler ran a second time.'), context);
    expect(replayed).toMatchObject({ commit: { position: first.commit.position }, isReplayed: true });
    expect(Number(replayed.commit.bookmark)).toBeGreaterThanOrEqual(first.commit.position);
    for (const unchanged of [aContext(), aContext({ commandId: 'other', requestHashes: ['hash'] })]) {
      const { commit } = await run(() => 'unchanged', unchanged);
      expect(commit.position).toBeGreaterThan(first.commit.position);
      expect(Number(commit.bookmark)).toBe(commit.position);
    }
  });

  test('with more events than one parameter of D1 holds is still one commit, in the order of its events', async () => {
    const around: ((send: () => Promise<unknown>, count: number) => Promise<unknown>)[] = [];
    const { addUser, deliveriesOf, eventsOf, run } = await given(createOn(withBatches(around)));
    const user = await addUser();
    const versions = Array.from({ length: 20 }, (_, index) => index + 2);
    const before = limits.bytesPerParameter;
    onTestFinished(() => {
      limits.bytesPerParameter = before;
    });
    // An event has 300 to 500 bytes, so a statement takes two or three.
    limits.bytesPerParameter = 1000;
    const statements: number[] = [];
    around.push((send, count) => {
      statements.push(count);
      return send();
    });
    const { commit } = await run((tx) => {
      for (const version of versions) tx.record(UserUpdated.create(user.id, version, { fields: ['name'] }));
    });
    const [registered, ...events] = await eventsOf(user.id);
    const { position: first = 0 } = registered ?? {};
    expect(events.map(({ version, position }) => [version, position])).toEqual(
      versions.map((version, index) => [version, first + index + 1]),
    );
    expect(commit.position).toBe(first + 20);
    expect(statements[0]).toBeGreaterThanOrEqual(14);
    for (const { position } of events) expect(await deliveriesOf(position)).toHaveLength(contractSubscriptions.length);

    // A conflict in the last part rolls all parts back.
    const conflict = run((tx) => {
      for (const version of [22, 23, 24, 25, 2]) tx.record(UserUpdated.create(user.id, version, { fields: ['name'] }));
    });
    await expect(conflict).rejects.toMatchObject({ name: 'ConcurrencyError' });
    expect(await eventsOf(user.id)).toHaveLength(21);
  });

  test('that stays without a response until its deadline says that its outcome is unknown (product 6.5)', async () => {
    let sent = 0;
    const lost = async () => {
      sent++;
      throw new Error(connectionLost);
    };
    const around = Array.from({ length: 100 }, () => lost);
    const { findUser, run } = await given(createOn(withBatches(around)));
    const user = aUser();
    const failed = run((tx) => {
      tx.users.add(user);
      tx.record(UserRegistered.create(user.id, 1, { role: 'customer' }));
    });
    await expect(failed).rejects.toMatchObject({ kind: 'unavailable', code: 'concurrency.outcome-unknown' });
    around.length = 0;
    expect(await findUser(user.id)).toBeUndefined();
    expect(sent).toBeGreaterThan(3);
    expect(sent).toBeLessThanOrEqual(12);
  });

  test('with a guard is one batch', async () => {
    let batches = 0;
    const count = (send: () => Promise<unknown>) => {
      batches++;
      return send();
    };
    const { addUser, unitOfWork } = await given(createOn(withBatches([count, count, count])));
    const user = await addUser();
    batches = 0;
    await unitOfWork.run(aContext(), {
      authorize: ({ access }) => access.requireValidToken(callerOf(user)),
      handle: (_, tx) => tx.record(anyEvent()),
    });
    expect(batches).toBe(1);
    expect(await all('SELECT * FROM commit_guards')).toEqual([]);
  });

  test('whose guard failed but holds again a moment later is tried again instead of being refused', async () => {
    const user = aUser();
    const setActive = (isActive: 0 | 1) => all('UPDATE users SET is_active = ? WHERE id = ?', isActive, user.id);
    const whileInactive = async (send: () => Promise<unknown>) => {
      await setActive(0);
      return send().finally(() => setActive(1));
    };
    const plain = (send: () => Promise<unknown>) => send();
    const { addUser, unitOfWork } = await given(createOn(withBatches([plain, whileInactive])));
    await addUser(user);
    const refused = unitOfWork.run(aContext(), {
      authorize: ({ access }) => access.requireValidToken(callerOf(user)),
      handle: (_, tx) => tx.record(anyEvent()),
    });
    await expect(refused).rejects.toMatchObject({ name: 'ConcurrencyError' });
  });
});

describe('what the tickets’ repository computes for the dashboard (product 5.5)', () => {
  const days = () => all('SELECT date, opened, closed FROM ticket_days ORDER BY date');

  test('how many were opened and closed on each day', async () => {
    const { addTicket, addUser, run } = await given(create);
    const [customer, other] = [await addUser(), await addUser()];
    const agent = checked(aUser({ role: 'agent' }));
    async function moveTo(ticket: Ticket, status: Ticket['status'], at: string) {
      const next = changeStatus(ticket, status, at);
      await run((tx) => {
        tx.tickets.saveStatus(next, agent);
        const facts = { customerId: ticket.customerId, from: ticket.status, to: status };
        tx.record(TicketStatusChanged.create(ticket.id, next.version, facts));
      });
      return next;
    }
    const first = await addTicket(customer, { createdAt: '2026-03-01T23:59:59.000Z' });
    const second = await addTicket(customer, { createdAt: '2026-03-01T10:00:00.000Z' });
    const third = await addTicket(other, { createdAt: '2026-03-02T00:00:00.000Z' });
    const triaged = await moveTo(first, 'triaged', '2026-03-02T01:00:00.000Z');
    await moveTo(triaged, 'closed', '2026-03-03T01:00:00.000Z');
    await moveTo(third, 'closed', '2026-03-03T02:00:00.000Z');
    const expectedDays = [
      { date: '2026-03-01', opened: 2, closed: 0 },
      { date: '2026-03-02', opened: 1, closed: 0 },
      { date: '2026-03-03', opened: 0, closed: 2 },
    ];
    expect(await days()).toEqual(expectedDays);

    // The second ticket of the customer is triaged by mistake, and is open again.
    const again = await moveTo(second, 'triaged', '2026-03-03T03:00:00.000Z');
    await moveTo(again, 'open', '2026-03-03T04:00:00.000Z');
    expect(await days()).toEqual(expectedDays);

    await run(async (tx) => {
      for (const { id, version } of (await tx.tickets.removeNextOf(customer.id, 2)).rows) {
        tx.record(TicketDeleted.create(id, version + 1, { customerId: customer.id }));
      }
    });
    expect(await days()).toEqual(expectedDays);
  });
});

test('the deletion of an account deletes its shipping addresses and the notes of its tickets (product 1.5)', async () => {
  const { addOrder, addTicket, addUser, run, write } = await given(create);
  const [customer, other] = [await addUser(), await addUser()];
  const agent = checked(aUser({ role: 'agent' }));
  for (const account of [customer, other]) {
    await addOrder(account);
    const ticket = await addTicket(account);
    const note = { id: crypto.randomUUID(), ticketId: ticket.id, authorId: agent.id, note: 'A note', createdAt: '' };
    await write((tx) => tx.tickets.addNote(ticket, note, agent));
  }
  const countRows = async () => [
    await all('SELECT customer_id FROM shipping_addresses'),
    await all('SELECT customer_id FROM ticket_notes JOIN tickets ON tickets.id = ticket_id'),
    await all('SELECT author_id FROM ticket_notes'),
  ];
  expect((await countRows()).map((rows) => rows.length)).toEqual([2, 2, 2]);
  await run((tx) => {
    tx.users.remove(customer, checked(customer));
    tx.record(anyEvent());
  });
  const left = await countRows();
  expect(left.map((rows) => rows.length)).toEqual([1, 1, 1]);
  expect(left.slice(0, 2)).toEqual([[{ customer_id: other.id }], [{ customer_id: other.id }]]);
});

test('a guard whose condition is NULL refuses the commit', async () => {
  const { db } = openSession(env.DB, 'first-primary');
  const guard = { condition: sql`NULL = 1`, refuse: () => new Error('refused') };
  await expect(runBatch(db, checkInBatch(db, [guard]))).rejects.toThrow('guards_hold');
  expect(await explainRefusal(db, [guard])).toMatchObject({ message: 'refused' });
});
