import { describe, expect, test } from 'vitest';
import { DeadLettersDiscarded, deadLetterStream, RebuildStarted } from '../../../src/operations/events';
import type { DeadLetter, DeadLetterFilter } from '../../../src/operations/repository';
import { newId } from '../../../src/platform/ids';
import { aUser, checked, createdAt } from '../factories';
import { anyEvent, type CreateImplementation, contractSubscriptions, given } from './implementation';

const admin = checked(aUser({ role: 'admin' }));

/** A system with dead letters: the deliveries of two events. */
async function givenDeadLetters(create: CreateImplementation) {
  const system = await given(create);
  const addEvent = async () => (await system.run((tx) => tx.record(anyEvent()))).commit.position;
  const [one, two] = [await addEvent(), await addEvent()];
  const pending = await addEvent();
  await system.markDead(one);
  await system.markDead(two);
  const lettersAt = (position: number) => contractSubscriptions.map((subscription) => ({ position, subscription }));
  const find = (filter: Parameters<typeof findFiltered>[0] = {}, limit = 100) => findFiltered(filter, limit);
  const findFiltered = (filter: DeadLetterFilter, limit: number) =>
    system.read((tx) => tx.operations.findDeadLetters(filter, limit));
  return { ...system, one, two, pending, lettersAt, find };
}

async function givenRebuild(create: CreateImplementation) {
  const system = await given(create);
  const findRebuild = (id: string) => system.read((tx) => tx.operations.findRebuild(id));
  async function start(view: string) {
    const id = newId();
    const { commit } = await system.run((tx) => {
      tx.operations.addRebuild({ id, view, startedAt: createdAt }, 77, admin);
      tx.record(RebuildStarted.create(id, 1, { view }));
      tx.record(anyEvent());
    });
    return { id, position: commit.position - 1 };
  }
  const cancel = (id: string) =>
    system.write((tx) => tx.operations.saveCancelled({ id, version: 2, status: 'cancelled' }, admin));
  return { ...system, findRebuild, start, cancel };
}

/** Sorts dead letters by position and subscription. */
function sorted(letters: readonly DeadLetter[]): DeadLetter[] {
  return letters.toSorted((a, b) => a.position - b.position || a.subscription.localeCompare(b.subscription));
}

/** Dead letters and rebuilds. */
export function describeOperationsRepository(create: CreateImplementation): void {
  describe('the repository of dead letters (product 7.3)', () => {
    test('dead letters are found by position, by subscription, by both, and without a filter', async () => {
      const { find, lettersAt, one, pending, two } = await givenDeadLetters(create);
      const all = [...lettersAt(one), ...lettersAt(two)];
      const emails = all.filter(({ subscription }) => subscription === 'emails');
      const found = async (filter: Partial<DeadLetter>) => sorted((await find(filter)).letters);
      expect(await found({})).toEqual(all);
      expect(await found({ position: one })).toEqual(lettersAt(one));
      expect(await found({ subscription: 'emails' })).toEqual(emails);
      expect(await found({ position: two, subscription: 'emails' })).toEqual([emails[1]]);
      expect(await found({ position: pending })).toEqual([]);
      expect(await found({ subscription: 'events' })).toEqual([]);
    });

    test('the oldest dead letters are found first up to a limit, with the number of those that remain', async () => {
      const { find, lettersAt, one } = await givenDeadLetters(create);
      const { letters, remaining } = await find({}, 2);
      expect([sorted(letters), remaining]).toEqual([lettersAt(one), 2]);
      expect((await find({ position: one }, 1)).remaining).toBe(1);
      const named = [
        { position: one, subscription: 'emails' as const },
        { position: one, subscription: 'emails' as const },
        { position: 999_999, subscription: 'emails' as const },
      ];
      expect((await find({ letters: named }, 100)).letters).toEqual(named.slice(0, 1));
      expect((await find({}, 100)).remaining).toBe(0);
    });

    test('the version of the stream that records replays and discards is found with the dead letters', async () => {
      const { find, run } = await givenDeadLetters(create);
      expect((await find()).version).toBe(0);
      const discarded = DeadLettersDiscarded.create(deadLetterStream.streamId, 1, { letters: [] });
      await run((tx) => tx.record(discarded));
      expect((await find()).version).toBe(1);
      await run((tx) => tx.record({ ...discarded, version: 2 }));
      expect((await find()).version).toBe(2);
    });

    test('replayed dead letters are due again without attempts, failures and error, and the others stay dead', async () => {
      const { deliveriesOf, find, lettersAt, one, two, write } = await givenDeadLetters(create);
      await write((tx) => tx.operations.replay(lettersAt(one), 55, admin));
      const fresh = { status: 'pending', attempts: 0, failures: 0, lastError: null, availableAt: 55 };
      expect(await deliveriesOf(one)).toEqual([
        { subscription: 'emails', ...fresh },
        { subscription: 'projections', ...fresh },
      ]);
      expect(sorted((await find()).letters)).toEqual(lettersAt(two));
    });

    test('one dead letter of an event is replayed without the other', async () => {
      const { find, lettersAt, one, write } = await givenDeadLetters(create);
      const [emails, projections] = lettersAt(one);
      await write((tx) => tx.operations.replay(emails ? [emails] : [], 55, admin));
      expect((await find({ position: one })).letters).toEqual([projections]);
    });

    test('dead letters are discarded for good, and the others stay', async () => {
      const { deliveriesOf, find, lettersAt, one, two, write } = await givenDeadLetters(create);
      await write((tx) => tx.operations.discard(lettersAt(one), admin));
      expect(await deliveriesOf(one)).toEqual([]);
      expect(sorted((await find()).letters)).toEqual(lettersAt(two));
    });

    test('a delivery that is not dead is neither replayed nor discarded', async () => {
      const { deliveriesOf, lettersAt, pending, write } = await givenDeadLetters(create);
      const before = await deliveriesOf(pending);
      await write((tx) => tx.operations.replay(lettersAt(pending), 55, admin));
      await write((tx) => tx.operations.discard(lettersAt(pending), admin));
      expect(before).toHaveLength(2);
      expect(await deliveriesOf(pending)).toEqual(before);
    });
  });

  describe('the repository of rebuilds (product 7.5)', () => {
    test('a new rebuild is running, and its target is the position of its own first event', async () => {
      const { findRebuild, start } = await givenRebuild(create);
      const { id, position } = await start('item');
      expect(await findRebuild(id)).toEqual({
        id,
        version: 1,
        view: 'item',
        status: 'running',
        target: position,
        checkpoint: 0,
        steps: 0,
        keys: 0,
        failedKeys: 0,
        attempts: 0,
        lastError: null,
        startedAt: createdAt,
        progressedAt: 77,
      });
      expect(await findRebuild(newId())).toBeUndefined();
    });

    test('a second running rebuild of a read model is refused, and one of another read model is allowed', async () => {
      const { start } = await givenRebuild(create);
      await start('item');
      await expect(start('item')).rejects.toMatchObject({ kind: 'conflict', code: 'rebuilds.running' });
      await start('order');
    });

    test('a running rebuild can be cancelled, after which the read model can be rebuilt again', async () => {
      const { cancel, findRebuild, start } = await givenRebuild(create);
      const [item, order] = [await start('item'), await start('order')];
      await cancel(item.id);
      expect(await findRebuild(item.id)).toMatchObject({ status: 'cancelled', version: 2, target: item.position });
      expect(await findRebuild(order.id)).toMatchObject({ status: 'running', version: 1 });
      await start('item');
    });

    test('the cancellation of a rebuild that has ended in the meantime is refused', async () => {
      const { cancel, endRebuild, findRebuild, start } = await givenRebuild(create);
      const { id } = await start('item');
      await endRebuild(id);
      await expect(cancel(id)).rejects.toMatchObject({ name: 'ConcurrencyError' });
      expect(await findRebuild(id)).toMatchObject({ status: 'done', version: 1 });
    });
  });
}
