import { describe, expect, test } from 'vitest';
import {
  applyItemChanges,
  changedItemFields,
  type Item,
  type ItemChanges,
  type ItemField,
  requireOwnerOrAdmin,
  versionWithStock,
} from '../../src/items/item';
import { newId } from '../../src/platform/ids';
import type { User } from '../../src/users/user';
import { address, anItem, aUser, checked } from '../support/factories';
import { givenCommands } from '../support/given-commands';

const at = '2026-03-01T10:00:00.000Z';
const issuedAt = Date.parse(at);
const price = (amount: number, currency = 'EUR') => ({ amount, currency });

describe('the rule who may change an item (product 3.3)', () => {
  const owner = aUser();

  test.each<[string, User, boolean]>([
    ['the owner of an item may change it', owner, true],
    ['another customer may not change an item, as if the item did not exist', aUser(), false],
    ['an agent may not change an item', aUser({ role: 'agent' }), false],
    ['an admin may change an item', aUser({ role: 'admin' }), true],
  ])('%s', (_, actor, isAllowed) => {
    const item = anItem({ ownerId: owner.id });
    const check = () => requireOwnerOrAdmin(item, checked(actor));
    if (isAllowed) return check();
    const refusal = { kind: 'not-found', code: 'items.not-found', details: { itemId: item.id } };
    expect(check).toThrow(expect.objectContaining(refusal));
  });
});

test('the version that clients see counts the changes of the item and those of its stock (product 6.3)', () => {
  expect(versionWithStock({ version: 1, stockVersion: 0 })).toBe(1);
  expect(versionWithStock({ version: 3, stockVersion: 4 })).toBe(7);
});

describe('the rule what a change of an item changes', () => {
  const item = anItem({ version: 3, stockVersion: 4, stock: 5, description: 'Round', price: price(1999) });

  test.each<[ItemChanges, ItemField[]]>([
    [{ title: 'Pot' }, ['title']],
    [{ description: 'Square' }, ['description']],
    [{ description: null }, ['description']],
    [{ description: '' }, ['description']],
    [{ price: price(1998) }, ['price']],
    [{ price: price(1999, 'USD') }, ['price']],
    [{ price: price(0) }, ['price']],
    [{ stock: 6 }, ['stock']],
    [{ stock: 0 }, ['stock']],
    [{ stock: null }, ['stock']],
    [{ isActive: false }, ['isActive']],
    [{ title: 'Pot', stock: 6 }, ['title', 'stock']],
    [
      { isActive: false, stock: null, price: price(1), description: null, title: 'Pot' },
      ['title', 'description', 'price', 'stock', 'isActive'],
    ],
  ])('the change %j of an item differs in %j', (changes, fields) => {
    expect(changedItemFields(item, changes)).toEqual(fields);
    expect(applyItemChanges(item, changes, at)).toEqual({
      ...item,
      ...changes,
      version: 4,
      stockVersion: fields.includes('stock') ? 5 : 4,
      updatedAt: at,
    });
  });

  test.each<ItemChanges>([
    {},
    { title: 'Teapot' },
    { description: 'Round' },
    { price: price(1999) },
    { stock: 5 },
    { isActive: true },
    { title: undefined, description: undefined, price: undefined, stock: undefined, isActive: undefined },
  ])('the change %j has only values that the item has already', (changes) => {
    expect(changedItemFields(item, changes)).toEqual([]);
    expect(applyItemChanges(item, changes, at)).toEqual({ ...item, version: 4, updatedAt: at });
  });

  test('an unlimited item without a description can stay as it is, and can get a stock and a description', () => {
    const unlimited = { ...item, stock: null, description: null };
    expect(changedItemFields(unlimited, { stock: null, description: null })).toEqual([]);
    expect(changedItemFields(unlimited, { stock: 0, description: '' })).toEqual(['description', 'stock']);
    expect(applyItemChanges(unlimited, { stock: 7 }, at)).toMatchObject({ stock: 7, stockVersion: 5 });
  });

  test('an item that was taken off sale can be put back on sale', () => {
    expect(applyItemChanges({ ...item, isActive: false }, { isActive: true }, at).isActive).toBe(true);
  });
});

function given(overrides: Partial<Item> = {}) {
  const [owner, other, admin] = [aUser(), aUser(), aUser({ role: 'admin' })];
  const item = anItem({ ownerId: owner.id, ...overrides });
  const commands = givenCommands({ users: [owner, other, admin], items: [item] });
  return { ...commands, owner, other, admin, item, stored: () => commands.state().items.get(item.id) };
}

describe('creating an item (product 3.1)', () => {
  test('a new item is for sale and belongs to the caller', async () => {
    const { as, lastEvent, other, state } = given();
    const payload = { title: ' Cup ', description: 'Blue', price: price(500), stock: 0 };
    const { result } = await as(other, { issuedAt }).CreateItem(payload);
    expect(result).toEqual({ id: expect.any(String), version: 1 });
    expect(state().items.get(result.id)).toEqual({
      id: result.id,
      version: 1,
      ownerId: other.id,
      title: 'Cup',
      description: 'Blue',
      price: price(500),
      stock: 0,
      stockVersion: 0,
      isActive: true,
      createdAt: at,
      updatedAt: at,
    });
    expect(lastEvent()).toMatchObject({ type: 'ItemCreated', version: 1, data: { ownerId: other.id } });
  });

  test('a new item without a stock is unlimited, and a new item without a description has none', async () => {
    const { as, other, state } = given();
    const { result } = await as(other).CreateItem({ title: 'Cup', price: price(0, 'JPY') });
    expect(state().items.get(result.id)).toMatchObject({ stock: null, description: null, price: price(0, 'JPY') });
  });

  test.each([
    ['a currency that does not exist', { price: price(1, 'ABC') }],
    ['a fraction of a minor unit', { price: price(0.5) }],
    ['a negative price', { price: price(-1) }],
    ['a negative stock', { stock: -1 }],
    ['an empty title', { title: ' ' }],
  ])('a new item with %s is refused', async (_, wrong) => {
    const { as, other, types } = given();
    await expect(as(other).CreateItem({ title: 'Cup', price: price(1), ...wrong })).rejects.toThrow();
    expect(types()).toEqual([]);
  });
});

describe('changing an item (product 3.3)', () => {
  test('a change of an item saves the fields that differ, and names them in the event', async () => {
    const { as, item, lastEvent, owner, stored } = given();
    const changes = { title: item.title, price: price(5), isActive: false };
    const { result } = await as(owner, { issuedAt }).UpdateItem({ itemId: item.id, changes });
    expect(result).toEqual({ id: item.id, version: 2 });
    expect(stored()).toEqual({ ...item, ...changes, version: 2, updatedAt: at });
    expect(lastEvent()).toMatchObject({
      type: 'ItemUpdated',
      version: 2,
      data: { ownerId: owner.id, fields: ['price', 'isActive'] },
    });
  });

  test('a change of an item to the values that it has changes nothing, and returns the version that clients see', async () => {
    const { as, item, owner, stored, types } = given({ version: 2, stockVersion: 3 });
    const { result } = await as(owner).UpdateItem({ itemId: item.id, changes: { stock: item.stock } });
    expect([result, stored(), types()]).toEqual([{ id: item.id, version: 5 }, item, []]);
  });

  test('a change of an item returns a version that counts the change of the stock too', async () => {
    const { as, item, owner, stored } = given({ version: 2, stockVersion: 3 });
    const { result } = await as(owner).UpdateItem({ itemId: item.id, changes: { stock: 9 } });
    expect(result.version).toBe(7);
    expect(stored()).toMatchObject({ version: 3, stock: 9, stockVersion: 4 });
  });

  test('a change of an item by an admin keeps the owner, also in the event', async () => {
    const { admin, as, item, lastEvent, owner } = given();
    await as(admin).UpdateItem({ itemId: item.id, changes: { title: 'Pot' } });
    expect(lastEvent()).toMatchObject({ data: { ownerId: owner.id }, metadata: { actorId: admin.id } });
  });

  test('a change of an item gets 412 when an order changed the stock since the caller read the item (product 6.3)', async () => {
    const { as, item, other, owner } = given();
    await as(other).PlaceOrder({ items: [{ itemId: item.id, quantity: 1 }], shippingAddress: address });
    const update = (expectedVersion: number) =>
      as(owner, { expectedVersion }).UpdateItem({ itemId: item.id, changes: { stock: 9 } });
    await expect(update(1)).rejects.toMatchObject({ kind: 'precondition', details: { currentVersion: 2 } });
    expect((await update(2)).result.version).toBe(4);
  });

  test('a change of an item with an unknown id is refused as not found', async () => {
    const { as, owner } = given();
    const itemId = newId();
    const refused = as(owner).UpdateItem({ itemId, changes: { title: 'Pot' } });
    await expect(refused).rejects.toMatchObject({ code: 'items.not-found', details: { itemId } });
  });

  test('a change of an item without a field is refused', async () => {
    const { as, item, owner } = given();
    await expect(as(owner).UpdateItem({ itemId: item.id, changes: {} })).rejects.toThrow();
  });
});

describe('deleting an item (product 3.3)', () => {
  test('a deletion removes the item with an event', async () => {
    const { as, item, lastEvent, owner, stored } = given({ version: 2, stockVersion: 3 });
    const { result } = await as(owner).DeleteItem({ itemId: item.id });
    expect([result, stored()]).toEqual([{ id: item.id, version: 3 }, undefined]);
    expect(lastEvent()).toMatchObject({ type: 'ItemDeleted', version: 3, data: { ownerId: owner.id } });
    await expect(as(owner).DeleteItem({ itemId: item.id })).rejects.toMatchObject({ code: 'items.not-found' });
  });

  test('the deletion of an item is refused with 412 when If-Match names another version', async () => {
    const { as, item, owner, stored } = given({ version: 2, stockVersion: 3 });
    const refused = as(owner, { expectedVersion: 2 }).DeleteItem({ itemId: item.id });
    await expect(refused).rejects.toMatchObject({ kind: 'precondition', details: { currentVersion: 5 } });
    expect(stored()).toEqual(item);
  });
});
