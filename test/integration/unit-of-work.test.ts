import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { authConstraints, createPasswordResetRepository, createSessionRepository } from '../../src/auth/repository';
import { createD1UnitOfWork } from '../../src/cqrs/writing/d1-unit-of-work';
import { systemClock } from '../../src/platform/clock';
import { UserRegistered } from '../../src/users/events';
import { createSettingsRepository, createUserRepository, userConstraints } from '../../src/users/repository';
import { aContext, aUser } from '../support/factories';
import { describeUnitOfWork } from '../support/unit-of-work-contract';

function create(database: D1Database = env.DB) {
  return createD1UnitOfWork({
    database,
    clock: systemClock,
    createRepositories: (context) => ({
      ownedByAccount: [],
      users: createUserRepository(context),
      settings: createSettingsRepository(context),
      sessions: createSessionRepository(context),
      passwordResets: createPasswordResetRepository(context),
    }),
    subscriptionsOf: () => ['projections', 'emails'],
    constraints: { ...userConstraints, ...authConstraints },
    onCommitted: async () => {},
    wait: async () => {},
  });
}

describeUnitOfWork('on D1', create);

test('events and their deliveries are written in the same batch (product 7.1)', async () => {
  const user = aUser();
  const { commit } = await create().run(aContext(), async (tx) => {
    tx.users.add(user);
    tx.record(UserRegistered.create(user.id, 1, { role: 'customer' }));
  });
  const { results } = await env.DB.prepare('SELECT subscription, status FROM deliveries WHERE position = ?')
    .bind(commit.position)
    .all();
  expect(results).toEqual([
    { subscription: 'emails', status: 'pending' },
    { subscription: 'projections', status: 'pending' },
  ]);
});

/** D1 whose next batches are applied or not, but reported as failed. */
function unclear(modes: ('applied' | 'lost')[]): D1Database {
  return {
    ...env.DB,
    withSession(from: string) {
      const session = env.DB.withSession(from);
      return new Proxy(session, {
        get(target, property) {
          if (property !== 'batch') return Reflect.get(target, property).bind(target);
          return async (statements: D1PreparedStatement[]) => {
            const mode = modes.shift();
            if (mode !== 'lost') {
              const results = await target.batch(statements);
              if (!mode) return results;
            }
            throw new Error('D1_ERROR: Network connection lost.');
          };
        },
      });
    },
    // Only what the unit of work calls.
  } as unknown as D1Database;
}

test.each([[['applied' as const]], [['lost' as const]], [['lost' as const, 'applied' as const]]])(
  'a commit whose answer was lost (%j) is there exactly once, and answered as done',
  async (modes) => {
    const user = aUser();
    const { commit } = await create(unclear(modes)).run(aContext(), async (tx) => {
      tx.users.add(user);
      tx.record(UserRegistered.create(user.id, 1, { role: 'customer' }));
    });
    const { results } = await env.DB.prepare('SELECT position FROM events WHERE stream_id = ?').bind(user.id).all();
    expect(results).toEqual([{ position: commit.position }]);
  },
);
