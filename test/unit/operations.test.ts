import { describe, expect, test } from 'vitest';
import type { Subscription } from '../../src/cqrs/log/event';
import { type RebuildStatus, rebuildStatuses } from '../../src/cqrs/reading/rebuild-status';
import { views } from '../../src/domains';
import { cancelRebuild } from '../../src/operations/rebuild';
import { newId } from '../../src/platform/ids';
import { aRebuild, aUser } from '../support/factories';
import { givenCommands } from '../support/given-commands';

const at = '2026-03-01T10:00:00.000Z';
const issuedAt = Date.parse(at);

function given() {
  const admin = aUser({ role: 'admin' });
  const commands = givenCommands({ users: [admin] });
  const { as, state } = commands;
  function addDelivery(position: number, subscription: Subscription, status: 'dead' | 'pending' = 'dead') {
    const row = { position, subscription, status, attempts: 9, failures: 9, lastError: 'Error', availableAt: 0 };
    state().deliveries.set(`${position}-${subscription}`, row);
  }
  /** The dead letters that are left, such as `1-emails`. */
  const dead = () => [...state().deliveries].filter(([, { status }]) => status === 'dead').map(([key]) => key);
  return { ...commands, admin, addDelivery, dead, send: (context: object = {}) => as(admin, { issuedAt, ...context }) };
}

describe('the rule which rebuild can be cancelled (product 7.5)', () => {
  test.each<[RebuildStatus, 'cancelled' | 'refused']>([
    ['running', 'cancelled'],
    ['done', 'refused'],
    ['cancelled', 'refused'],
    ['failed', 'refused'],
  ])('cancelling a rebuild that is %s ends with “%s”', (status, expected) => {
    const rebuild = aRebuild({ status, version: 4 });
    const cancel = () => cancelRebuild(rebuild);
    if (expected === 'cancelled') expect(cancel()).toEqual({ ...rebuild, status: 'cancelled', version: 5 });
    else {
      const refusal = { kind: 'conflict', code: 'rebuilds.over', details: { status } };
      expect(cancel).toThrow(expect.objectContaining(refusal));
    }
  });

  test('the statuses of a rebuild are running, done, cancelled and failed', () =>
    expect(rebuildStatuses).toEqual(['running', 'done', 'cancelled', 'failed']));
});

describe('starting a rebuild (product 7.5)', () => {
  test.each(views.map(({ name }) => name))('a rebuild can be started for the read model %s', async (view) => {
    const { lastEvent, send, state } = given();
    const { result, commit } = await send().StartRebuild({ view });
    expect(result).toEqual({ id: expect.any(String), version: 1 });
    expect(state().rebuilds.get(result.id)).toMatchObject({
      view,
      status: 'running',
      target: commit.position,
      checkpoint: 0,
      startedAt: at,
      progressedAt: issuedAt,
    });
    expect(lastEvent()).toMatchObject({ type: 'RebuildStarted', streamId: result.id, version: 1, data: { view } });
  });

  test('a rebuild of a read model that does not exist is refused', async () => {
    const { send, types } = given();
    const refused = send().StartRebuild({ view: 'nothing' });
    await expect(refused).rejects.toMatchObject({
      kind: 'not-found',
      code: 'projections.not-found',
      details: { view: 'nothing' },
    });
    expect(types()).toEqual([]);
  });

  test('a rebuild is refused while another rebuild of the same read model is running', async () => {
    const { send } = given();
    await send().StartRebuild({ view: 'item' });
    const refused = send().StartRebuild({ view: 'item' });
    await expect(refused).rejects.toMatchObject({ kind: 'conflict', code: 'rebuilds.running' });
    await send().StartRebuild({ view: 'order' });
  });
});

describe('cancelling a rebuild (product 7.5)', () => {
  test('a cancellation ends the rebuild with an event that names the read model', async () => {
    const { lastEvent, send, state } = given();
    const rebuild = aRebuild({ version: 2 });
    state().rebuilds.set(rebuild.id, rebuild);
    const { result } = await send().CancelRebuild({ rebuildId: rebuild.id });
    expect(result).toEqual({ id: rebuild.id, version: 3 });
    expect(state().rebuilds.get(rebuild.id)).toEqual({ ...rebuild, status: 'cancelled', version: 3 });
    expect(lastEvent()).toMatchObject({
      type: 'RebuildCancelled',
      streamId: rebuild.id,
      version: 3,
      data: { view: 'item' },
    });
    const again = send().CancelRebuild({ rebuildId: rebuild.id });
    await expect(again).rejects.toMatchObject({ code: 'rebuilds.over', details: { status: 'cancelled' } });
  });

  test('a cancellation is refused for an unknown rebuild, and with 412 when If-Match names another version', async () => {
    const { send, state } = given();
    const rebuild = aRebuild({ version: 2 });
    state().rebuilds.set(rebuild.id, rebuild);
    const rebuildId = newId();
    const unknown = send().CancelRebuild({ rebuildId });
    await expect(unknown).rejects.toMatchObject({ code: 'rebuilds.not-found', details: { rebuildId } });
    const stale = send({ expectedVersion: 1 }).CancelRebuild({ rebuildId: rebuild.id });
    await expect(stale).rejects.toMatchObject({ kind: 'precondition', details: { currentVersion: 2 } });
    expect(state().rebuilds.get(rebuild.id)).toEqual(rebuild);
  });

  test('a cancellation is refused when the rebuild has ended since the replica was updated', async () => {
    const { freezeReplica, send, state, types } = given();
    const rebuild = aRebuild();
    state().rebuilds.set(rebuild.id, rebuild);
    freezeReplica();
    state().rebuilds.set(rebuild.id, { ...rebuild, status: 'done' });
    const refused = send({ readFrom: 'first-unconstrained' }).CancelRebuild({ rebuildId: rebuild.id });
    await expect(refused).rejects.toMatchObject({ code: 'rebuilds.over', details: { status: 'done' } });
    expect(types()).toEqual([]);
  });
});

describe.each(['ReplayDeadLetters', 'DiscardDeadLetters'] as const)('the command %s (product 7.3, 8.18)', (name) => {
  test.each<[string, Parameters<ReturnType<ReturnType<typeof given>['send']>[typeof name]>[0], string[]]>([
    ['without a filter takes every dead letter', {}, ['11-emails', '11-projections', '12-emails']],
    ['takes the dead letters of a subscription', { subscription: 'emails' }, ['11-emails', '12-emails']],
    ['takes the dead letters of a position', { position: 11 }, ['11-emails', '11-projections']],
    ['takes the dead letter of a position and a subscription', { position: 11, subscription: 'emails' }, ['11-emails']],
    [
      'takes dead letters by their keys, and leaves out what is none',
      {
        letters: [
          { position: 12, subscription: 'emails' },
          { position: 12, subscription: 'projections' },
        ],
      },
      ['12-emails'],
    ],
  ])(`${name} %s, and lists each letter in its event`, async (_, filter, taken) => {
    const { addDelivery, dead, lastEvent, send, state } = given();
    const all = ['11-emails', '11-projections', '12-emails'];
    addDelivery(11, 'emails');
    addDelivery(11, 'projections');
    addDelivery(12, 'emails');
    addDelivery(12, 'projections', 'pending');
    const { result } = await send()[name](filter);
    expect(result).toEqual({ count: taken.length, remaining: 0, decision: 1 });
    expect(dead()).toEqual(all.filter((key) => !taken.includes(key)));
    for (const key of taken) {
      const row = state().deliveries.get(key);
      if (name === 'DiscardDeadLetters') expect(row).toBeUndefined();
      else expect(row).toMatchObject({ status: 'pending', attempts: 0, failures: 0, availableAt: issuedAt });
    }
    const letters = taken.map((key) => {
      const [position, subscription] = key.split('-');
      return { position: Number(position), subscription };
    });
    const type = name === 'ReplayDeadLetters' ? 'DeadLettersReplayed' : 'DeadLettersDiscarded';
    expect(lastEvent()).toMatchObject({
      type,
      streamType: 'dead-letters',
      streamId: 'all',
      version: 1,
      data: { letters },
    });
  });

  test(`${name} takes up to 500 dead letters at a time, the oldest first, and says how many remain`, async () => {
    const { addDelivery, dead, send, state } = given();
    for (let position = 501; position > 0; position--) addDelivery(position, 'emails');
    expect((await send()[name]({})).result).toEqual({ count: 500, remaining: 1, decision: 1 });
    expect(dead()).toEqual(['501-emails']);
    expect((await send()[name]({})).result).toEqual({ count: 1, remaining: 0, decision: 2 });
    expect(state().events.map(({ version }) => version)).toEqual([1, 2]);
  });

  test(`${name} without a dead letter to take changes nothing`, async () => {
    const { addDelivery, send, types } = given();
    addDelivery(1, 'emails', 'pending');
    expect((await send()[name]({ subscription: 'emails' })).result).toEqual({ count: 0, remaining: 0, decision: null });
    expect(types()).toEqual([]);
  });

  test(`${name} with the position of a delivery that is not dead is refused`, async () => {
    const { addDelivery, send, types } = given();
    addDelivery(1, 'emails', 'pending');
    const refused = send()[name]({ position: 1, subscription: 'emails' });
    await expect(refused).rejects.toMatchObject({
      kind: 'not-found',
      code: 'dead-letters.not-found',
      details: { position: 1, subscription: 'emails' },
    });
    expect(types()).toEqual([]);
  });
});
