import { describe, expect, test } from 'vitest';
import {
  applyItemChanges,
  changedItemFields,
  type Item,
  type ItemChanges,
  type ItemField,
  isTakenDown,
  type MaySell,
  requireMayChange,
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

const owner = aUser();
const [stranger, agent, admin] = [aUser(), aUser({ role: 'agent' }), aUser({ role: 'admin' })];
const agentWhoOwns: User = { ...owner, role: 'agent' };
const onSale = anItem({ ownerId: owner.id });
const withdrawn = anItem({ ownerId: owner.id, isActive: false });
const takenDown = anItem({ ownerId: owner.id, isActive: false, takenDownBy: agent.id });
const off: ItemChanges = { isActive: false };
const on: ItemChanges = { isActive: true };
const title: ItemChanges = { title: 'Pot' };
const everybody: MaySell = () => true;
const staff: MaySell = ({ role }) => role !== 'customer';

describe('the rule who may change an item (product 3.3, 3.4, 3.5)', () => {
  type Refusal = 'items.not-found' | 'items.not-yours' | 'items.only-staff-sells' | 'items.taken-down';
  const kinds: Record<Refusal, string> = {
    'items.not-found': 'not-found',
    'items.not-yours': 'forbidden',
    'items.only-staff-sells': 'forbidden',
    'items.taken-down': 'conflict',
  };

  test.each<[string, User, ItemChanges, Item, MaySell, Refusal | undefined]>([
    ['the owner changes an item', owner, title, onSale, everybody, undefined],
    ['the owner takes an item off sale', owner, off, onSale, everybody, undefined],
    ['the owner puts an item back on sale', owner, on, withdrawn, everybody, undefined],
    ['the owner does not put a taken down item back on sale', owner, on, takenDown, everybody, 'items.taken-down'],
    [
      'the owner does not put it back together with another change',
      owner,
      { ...on, ...title },
      takenDown,
      everybody,
      'items.taken-down',
    ],
    ['the owner corrects a taken down item', owner, title, takenDown, everybody, undefined],
    ['the owner leaves a taken down item off sale', owner, off, takenDown, everybody, undefined],
    ['an owner who is an agent puts a taken down item back on sale', agentWhoOwns, on, takenDown, staff, undefined],
    [
      'another customer changes nothing, as if the item did not exist',
      stranger,
      title,
      onSale,
      everybody,
      'items.not-found',
    ],
    ['another customer takes nothing off sale', stranger, off, onSale, everybody, 'items.not-found'],
    ['an agent takes down another’s item', agent, off, onSale, everybody, undefined],
    ['an agent takes down what its owner has withdrawn', agent, off, withdrawn, everybody, undefined],
    ['an agent puts a taken down item back on sale', agent, on, takenDown, everybody, undefined],
    ['an agent does not sell what its owner has withdrawn', agent, on, withdrawn, everybody, 'items.not-yours'],
    ['an agent does not change another’s item', agent, title, onSale, everybody, 'items.not-yours'],
    ['an agent changes nothing else with it', agent, { ...off, ...title }, onSale, everybody, 'items.not-yours'],
    ['an agent does not change a taken down item', agent, title, takenDown, everybody, 'items.not-yours'],
    ['an admin changes every item', admin, { ...on, ...title }, takenDown, everybody, undefined],
    [
      'where the staff sells, a customer does not change their own item',
      owner,
      title,
      onSale,
      staff,
      'items.only-staff-sells',
    ],
    ['where the staff sells, a customer takes their own item off sale', owner, off, onSale, staff, undefined],
    [
      'where the staff sells, a customer changes nothing else with it',
      owner,
      { ...off, ...title },
      onSale,
      staff,
      'items.only-staff-sells',
    ],
    [
      'where the staff sells, a customer puts nothing back on sale',
      owner,
      on,
      withdrawn,
      staff,
      'items.only-staff-sells',
    ],
    ['where the staff sells, an agent changes their own item', agentWhoOwns, title, onSale, staff, undefined],
    ['where the staff sells, another customer gets no other answer', stranger, title, onSale, staff, 'items.not-found'],
  ])('%s', (_, actor, changes, item, maySell, refusal) => {
    const check = () => requireMayChange(item, changes, checked(actor), maySell);
    if (refusal) return expect(check).toThrow(expect.objectContaining({ kind: kinds[refusal], code: refusal }));
    return check();
  });
});

describe('the rule who may delete an item (product 3.3)', () => {
  test.each<[string, User, string | undefined]>([
    ['the owner of an item may delete it', owner, undefined],
    ['another customer may not delete an item, as if the item did not exist', stranger, 'items.not-found'],
    ['an agent may not delete an item', agent, 'items.not-yours'],
    ['an admin may delete an item', admin, undefined],
  ])('%s', (_, actor, code) => {
    const check = () => requireOwnerOrAdmin(onSale, checked(actor));
    if (code === undefined) return check();
    return expect(check).toThrow(expect.objectContaining({ code, details: { itemId: onSale.id } }));
  });
});

describe('the rule who has taken an item down (product 3.4)', () => {
  const by = (user: User) => user.id;

  test.each<[string, User, ItemChanges, Item, { takenDownBy: string | null; fields: ItemField[] }]>([
    ['an agent takes an item down', agent, off, onSale, { takenDownBy: by(agent), fields: ['isActive'] }],
    ['an admin takes an item down', admin, off, onSale, { takenDownBy: by(admin), fields: ['isActive'] }],
    ['a withdrawn item is taken down', agent, off, withdrawn, { takenDownBy: by(agent), fields: ['isActive'] }],
    ['the first who took it down remains', admin, off, takenDown, { takenDownBy: by(agent), fields: [] }],
    [
      'another change leaves the item taken down',
      owner,
      title,
      takenDown,
      { takenDownBy: by(agent), fields: ['title'] },
    ],
    ['an owner takes nothing down', owner, off, onSale, { takenDownBy: null, fields: ['isActive'] }],
    [
      'an owner who is an agent takes nothing down',
      agentWhoOwns,
      off,
      onSale,
      { takenDownBy: null, fields: ['isActive'] },
    ],
    [
      'an item that is on sale again is not taken down',
      admin,
      on,
      takenDown,
      { takenDownBy: null, fields: ['isActive'] },
    ],
    [
      'what a Worker from before 0.5.0 put back on sale is not taken down when its owner withdraws it',
      owner,
      off,
      { ...onSale, takenDownBy: agent.id },
      { takenDownBy: null, fields: ['isActive'] },
    ],
  ])('%s', (_, actor, changes, item, { takenDownBy, fields }) => {
    expect(changedItemFields(item, changes, checked(actor))).toEqual(fields);
    expect(applyItemChanges(item, changes, checked(actor), at)).toMatchObject({ takenDownBy });
  });

  test.each([
    [{ isActive: false, takenDownBy: agent.id }, true],
    [{ isActive: true, takenDownBy: agent.id }, false],
    [{ isActive: false, takenDownBy: null }, false],
    [{ isActive: true, takenDownBy: null }, false],
  ])('an item with %j is taken down: %s', (item, expected) => {
    expect(isTakenDown(item)).toBe(expected);
  });
});

test('the version that clients see counts the changes of the item and those of its stock (product 6.3)', () => {
  expect(versionWithStock({ version: 1, stockVersion: 0 })).toBe(1);
  expect(versionWithStock({ version: 3, stockVersion: 4 })).toBe(7);
});

describe('the rule what a change of an item changes', () => {
  const owner = checked(aUser());
  const item = anItem({
    ownerId: owner.id,
    version: 3,
    stockVersion: 4,
    stock: 5,
    description: 'Round',
    price: price(1999),
  });

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
    expect(changedItemFields(item, changes, owner)).toEqual(fields);
    expect(applyItemChanges(item, changes, owner, at)).toEqual({
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
    expect(changedItemFields(item, changes, owner)).toEqual([]);
    expect(applyItemChanges(item, changes, owner, at)).toEqual({ ...item, version: 4, updatedAt: at });
  });

  test('an unlimited item without a description can stay as it is, and can get a stock and a description', () => {
    const unlimited = { ...item, stock: null, description: null };
    expect(changedItemFields(unlimited, { stock: null, description: null }, owner)).toEqual([]);
    expect(changedItemFields(unlimited, { stock: 0, description: '' }, owner)).toEqual(['description', 'stock']);
    expect(applyItemChanges(unlimited, { stock: 7 }, owner, at)).toMatchObject({ stock: 7, stockVersion: 5 });
  });

  test('an item that was taken off sale can be put back on sale', () => {
    expect(applyItemChanges({ ...item, isActive: false }, { isActive: true }, owner, at).isActive).toBe(true);
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
      takenDownBy: null,
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

describe('who sells (product 3.5)', () => {
  const cup = { title: 'Cup', price: price(500) };

  function givenStaffShop() {
    const commands = givenCommands({ users: [owner, agent, admin], items: [onSale], sellers: 'staff' });
    return { ...commands, stored: () => commands.state().items.get(onSale.id) };
  }

  test.each([agent, admin])('where the staff sells, an account with the role $role creates an item', async (user) => {
    const { as, state } = givenStaffShop();
    const { result } = await as(user).CreateItem(cup);
    expect(state().items.get(result.id)).toMatchObject({ ownerId: user.id, isActive: true, takenDownBy: null });
  });

  test('where the staff sells, a customer neither creates an item nor changes their own one, and can withdraw and delete it', async () => {
    const { as, state, stored } = givenStaffShop();
    const refusal = { kind: 'forbidden', code: 'items.only-staff-sells', details: { role: 'customer' } };
    await expect(as(owner).CreateItem(cup)).rejects.toMatchObject(refusal);
    const change = (changes: ItemChanges) => as(owner).UpdateItem({ itemId: onSale.id, changes });
    await expect(change({ title: 'Pot' })).rejects.toMatchObject(refusal);
    expect([state().items.size, stored()]).toEqual([1, onSale]);
    await change({ isActive: false });
    expect(stored()).toMatchObject({ isActive: false, takenDownBy: null });
    await expect(change({ isActive: true })).rejects.toMatchObject(refusal);
    await as(owner).DeleteItem({ itemId: onSale.id });
    expect(stored()).toBeUndefined();
  });

  test.each(['customer', 'agent'] as const)(
    'where the staff sells, a seller whose role was changed to %s creates nothing with the old token',
    async (role) => {
      const { account, as, state } = givenStaffShop();
      await as(admin).ChangeRole({ userId: agent.id, role: role === 'agent' ? 'admin' : role });
      await expect(as(agent).CreateItem(cup)).rejects.toMatchObject({ code: 'auth.invalid-token' });
      expect(state().items.size).toBe(1);
      expect(account(agent.id).role).not.toBe('agent');
    },
  );

  test('where everybody sells, a customer creates an item', async () => {
    const { as, state } = givenCommands({ users: [owner], sellers: 'everyone' });
    const { result } = await as(owner).CreateItem(cup);
    expect(state().items.get(result.id)).toMatchObject({ ownerId: owner.id });
  });
});

describe('taking an item down (product 3.4)', () => {
  test('an agent takes down another’s item, its owner cannot put it back on sale, and an admin can', async () => {
    const { as, lastEvent, state, types } = givenCommands({ users: [owner, agent, admin], items: [onSale] });
    const stored = () => state().items.get(onSale.id);
    const change = (user: User, changes: ItemChanges) => as(user).UpdateItem({ itemId: onSale.id, changes });
    await change(agent, off);
    expect(stored()).toMatchObject({ isActive: false, takenDownBy: agent.id, version: 2 });
    const data = { ownerId: owner.id, fields: ['isActive'] };
    expect(lastEvent()).toMatchObject({ type: 'ItemUpdated', data, metadata: { actorId: agent.id } });
    await expect(change(owner, on)).rejects.toMatchObject({
      kind: 'conflict',
      code: 'items.taken-down',
      details: { itemId: onSale.id },
    });
    await change(owner, title);
    expect(stored()).toMatchObject({ isActive: false, takenDownBy: agent.id, title: 'Pot' });
    await change(admin, on);
    expect(stored()).toMatchObject({ isActive: true, takenDownBy: null, version: 4 });
    expect(types()).toEqual(['ItemUpdated', 'ItemUpdated', 'ItemUpdated']);
  });

  test('an item that is taken down already is not changed again', async () => {
    const { as, types } = givenCommands({ users: [owner, agent, admin], items: [takenDown] });
    for (const user of [owner, agent, admin]) await as(user).UpdateItem({ itemId: takenDown.id, changes: off });
    expect(types()).toEqual([]);
  });
});
