import { describe, expect, test } from 'vitest';
import { ItemDeleted, ItemUpdated } from '../../../src/items/events';
import type { Item } from '../../../src/items/item';
import { newId } from '../../../src/platform/ids';
import { anItem, aUser, checked } from '../factories';
import { type CreateImplementation, given } from './implementation';

const by = checked(aUser());
const lost = { name: 'ConcurrencyError', code: 'concurrency.conflict' };

async function givenItems(create: CreateImplementation) {
  const system = await given(create);
  const { id: ownerId } = await system.addUser();
  const addItem = (item: Partial<Item> = {}) => system.addItem({ ownerId, ...item });
  return { ...system, addItem, findItem: (id: string) => system.read((tx) => tx.items.find(id)) };
}

/** Items and their stock. */
export function describeItemRepository(create: CreateImplementation): void {
  describe('the repository of items', () => {
    test('an item is found as it was added, with and without description and stock', async () => {
      const { addItem, findItem } = await givenItems(create);
      const item = await addItem();
      const unlimited = await addItem({ stock: null, description: null, price: { amount: 0, currency: 'JPY' } });
      expect([await findItem(item.id), await findItem(unlimited.id)]).toEqual([item, unlimited]);
      expect(await findItem(newId())).toBeUndefined();
    });

    test('items are found by their ids, and unknown ids are left out', async () => {
      const { addItem, read } = await givenItems(create);
      const [one, two] = [await addItem(), await addItem({ isActive: false })];
      await addItem();
      const found = await read((tx) => tx.items.findAll([one.id, newId(), two.id]));
      expect(found.toSorted((a, b) => a.id.localeCompare(b.id))).toEqual([one, two]);
    });

    test('an item whose owner’s account is deleted is found, and not for an order (product 1.10)', async () => {
      const { addItem, findItem, read } = await givenItems(create);
      const [item, ownerless] = [await addItem(), await addItem({ ownerId: newId() })];
      expect(await read((tx) => tx.items.findAll([item.id, ownerless.id]))).toEqual([item]);
      expect(await findItem(ownerless.id)).toEqual(ownerless);
    });

    test('one item is deleted, and no other item is', async () => {
      const { addItem, findItem, write } = await givenItems(create);
      const [item, other] = [await addItem(), await addItem()];
      await write((tx) => tx.items.remove(item, by));
      expect([await findItem(item.id), await findItem(other.id)]).toEqual([undefined, other]);
    });

    test('every field of one item is saved, and no other item changes', async () => {
      const { addItem, findItem, write } = await givenItems(create);
      const [item, other] = [await addItem({ stock: 5, stockVersion: 3 }), await addItem()];
      const next: Item = {
        ...item,
        version: 2,
        title: 'Pot',
        description: null,
        price: { amount: 5, currency: 'USD' },
        isActive: false,
        takenDownBy: newId(),
        updatedAt: '2026-02-01T00:00:00.000Z',
      };
      await write((tx) => tx.items.save(next, item, by));
      expect([await findItem(item.id), await findItem(other.id)]).toEqual([next, other]);
    });

    const changes: [string, (item: Item) => Item][] = [
      ['a new title', (item) => ({ ...item, version: 2, title: 'Pot' })],
      ['a new stock', (item) => ({ ...item, version: 2, stock: 9, stockVersion: 1 })],
    ];

    test.each(changes)(
      'an item is not saved with %s when an order changed its stock in the meantime (product 6.3)',
      async (_, change) => {
        const { addItem, findItem, run, write } = await givenItems(create);
        const item = await addItem({ stock: 5 });
        const refused = run(async (tx) => {
          await write((other) => other.items.takeStock([{ itemId: item.id, quantity: 2 }]));
          tx.items.save(change(item), item, by);
          tx.record(ItemUpdated.create(item.id, 2, { ownerId: item.ownerId, fields: ['title'] }));
        });
        await expect(refused).rejects.toMatchObject(lost);
        expect(await findItem(item.id)).toEqual({ ...item, stock: 3, stockVersion: 1 });
      },
    );

    test.each([{ version: 2 }, { stockVersion: 1 }])(
      'an item is neither saved nor deleted when %j differs from what was read',
      async (difference) => {
        const { addItem, findItem, write } = await givenItems(create);
        const item = await addItem();
        const read = { ...item, ...difference };
        await expect(write((tx) => tx.items.save({ ...read, title: 'Pot' }, read, by))).rejects.toMatchObject(lost);
        await expect(write((tx) => tx.items.remove(read, by))).rejects.toMatchObject(lost);
        expect(await findItem(item.id)).toEqual(item);
      },
    );

    test('a new stock is saved over the stock that was read', async () => {
      const { addItem, findItem, write } = await givenItems(create);
      const [item, other] = [await addItem({ stock: 5 }), await addItem({ stock: 5 })];
      const next = { ...item, version: 2, stock: 9, stockVersion: 1 };
      await write((tx) => tx.items.save(next, item, by));
      expect([await findItem(item.id), await findItem(other.id)]).toEqual([next, other]);
      const unlimited = { ...next, version: 3, stock: null, stockVersion: 2 };
      await write((tx) => tx.items.save(unlimited, next, by));
      expect(await findItem(item.id)).toEqual(unlimited);
    });

    test('a new stock is refused for an item that was deleted in the meantime', async () => {
      const { addItem, findItem, write } = await givenItems(create);
      const item = await addItem({ stock: 5 });
      await write((tx) => tx.items.remove(item, by));
      const refused = write((tx) => tx.items.save({ ...item, version: 2, stock: 9, stockVersion: 1 }, item, by));
      await expect(refused).rejects.toMatchObject(lost);
      expect(await findItem(item.id)).toBeUndefined();
    });
  });

  describe('the stock of items (product 4.2)', () => {
    test('stock is taken and put back, and each change raises the version of the stock', async () => {
      const { addItem, findItem, write } = await givenItems(create);
      const [one, two] = [await addItem({ stock: 5 }), await addItem({ stock: 1 })];
      const lines = [
        { itemId: one.id, quantity: 3 },
        { itemId: two.id, quantity: 1 },
      ];
      await write((tx) => tx.items.takeStock(lines));
      expect(await findItem(one.id)).toEqual({ ...one, stock: 2, stockVersion: 1 });
      expect(await findItem(two.id)).toEqual({ ...two, stock: 0, stockVersion: 1 });
      await write((tx) => tx.items.returnStock(lines));
      expect(await findItem(one.id)).toEqual({ ...one, stock: 5, stockVersion: 2 });
      expect(await findItem(two.id)).toEqual({ ...two, stock: 1, stockVersion: 2 });
    });

    test('stock never goes below zero: the commit is refused, and no other item loses a piece', async () => {
      const { addItem, findItem, write } = await givenItems(create);
      const [many, few] = [await addItem({ stock: 5 }), await addItem({ stock: 1 })];
      const refused = write((tx) =>
        tx.items.takeStock([
          { itemId: many.id, quantity: 1 },
          { itemId: few.id, quantity: 2 },
        ]),
      );
      await expect(refused).rejects.toMatchObject(lost);
      expect([await findItem(many.id), await findItem(few.id)]).toEqual([many, few]);
    });

    test('the stock of an unlimited item stays unlimited, and an unknown item is no error', async () => {
      const { addItem, findItem, write } = await givenItems(create);
      const item = await addItem({ stock: null });
      const lines = [
        { itemId: item.id, quantity: 1000 },
        { itemId: newId(), quantity: 1 },
      ];
      await write((tx) => tx.items.takeStock(lines));
      await write((tx) => tx.items.returnStock(lines));
      expect(await findItem(item.id)).toEqual(item);
    });
  });

  describe('the guard that items are as an order read them (product 4.1)', () => {
    test('the guard that items are unchanged holds whatever happens to their stock', async () => {
      const { addItem, write } = await givenItems(create);
      const items = [await addItem({ version: 3 }), await addItem({ stock: null }), await addItem({ stock: 9 })];
      await write(async (tx) => {
        tx.items.requireUnchanged(items);
        await write((other) => other.items.takeStock(items.map(({ id }) => ({ itemId: id, quantity: 1 }))));
      });
    });

    test('the guard that items are unchanged refuses the commit when the account of an owner is deleted in the meantime', async () => {
      const { addItem, addUser, write } = await givenItems(create);
      const owner = await addUser();
      const items = [await addItem(), await addItem({ ownerId: owner.id })];
      const refused = write(async (tx) => {
        tx.items.requireUnchanged(items);
        await write((other) => other.users.remove(owner, by));
      });
      await expect(refused).rejects.toMatchObject(lost);
    });

    test('the guard that items are unchanged refuses the commit when one of the items does not exist', async () => {
      const { addItem, write } = await givenItems(create);
      const [good, unknown] = [await addItem(), anItem()];
      await expect(write((tx) => tx.items.requireUnchanged([good, unknown]))).rejects.toMatchObject(lost);
    });

    test('the guard that items are unchanged refuses the commit when an item was changed in the meantime', async () => {
      const { addItem, write } = await givenItems(create);
      const [good, item] = [await addItem(), await addItem()];
      const refused = write(async (tx) => {
        tx.items.requireUnchanged([good, item]);
        const next = { ...item, price: { amount: 1, currency: 'EUR' }, version: 2 };
        await write((other) => other.items.save(next, item, by));
      });
      await expect(refused).rejects.toMatchObject(lost);
    });
  });

  describe('the removal of all items of an owner (product 1.5)', () => {
    test('the removal of all items of an owner returns the items with their versions, and leaves those of others', async () => {
      const { addItem, findItem, run } = await givenItems(create);
      const ownerId = newId();
      const [one, two] = [await addItem({ ownerId, version: 4 }), await addItem({ ownerId })];
      const other = await addItem();
      const { result } = await run(async (tx) => {
        const removed = await tx.items.removeNextOf(ownerId, 2);
        for (const { id, version } of removed.rows) tx.record(ItemDeleted.create(id, version + 1, { ownerId }));
        return removed;
      });
      expect(result).toEqual({
        rows: [
          { id: one.id, version: 4 },
          { id: two.id, version: 1 },
        ],
        isLast: true,
      });
      expect([await findItem(one.id), await findItem(two.id)]).toEqual([undefined, undefined]);
      expect(await findItem(other.id)).toEqual(other);
    });

    test('the removal of the next items of an owner leaves the others for the next step', async () => {
      const { addItem, findItem, run } = await givenItems(create);
      const ownerId = newId();
      const [one, two] = [await addItem({ ownerId }), await addItem({ ownerId })];
      const { result } = await run(async (tx) => {
        const removed = await tx.items.removeNextOf(ownerId, 1);
        for (const { id, version } of removed.rows) tx.record(ItemDeleted.create(id, version + 1, { ownerId }));
        return removed;
      });
      expect(result).toEqual({ rows: [{ id: one.id, version: 1 }], isLast: false });
      expect([await findItem(one.id), await findItem(two.id)]).toEqual([undefined, two]);
    });

    test('the removal of all items of an owner is refused when an item is added in the meantime', async () => {
      const { addItem, findItem, write } = await givenItems(create);
      const ownerId = newId();
      const [first, added] = [await addItem({ ownerId }), newId()];
      const refused = write(async (tx) => {
        await tx.items.removeNextOf(ownerId, 2);
        await addItem({ id: added, ownerId });
      });
      await expect(refused).rejects.toMatchObject(lost);
      expect(await findItem(first.id)).toEqual(first);
      expect(await findItem(added)).toBeDefined();
    });
  });
}
