import { describe, expect, test } from 'vitest';
import { type RecordedEvent, upcast } from '../../src/cqrs/log/event';
import { eventCatalogue } from '../../src/domains';
import type { Item } from '../../src/items/item';
import {
  decideTransition,
  type Order,
  type OrderAction,
  type OrderableItem,
  priceLines,
  requireReadable,
} from '../../src/orders/order';
import type { OrderStatus } from '../../src/orders/order-status';
import { orderView } from '../../src/orders/views';
import { newId } from '../../src/platform/ids';
import type { User } from '../../src/users/user';
import { address, aLine, anItem, anOrder, aUser, checked } from '../support/factories';
import { givenCommands } from '../support/given-commands';

const at = '2026-03-01T10:00:00.000Z';
const issuedAt = Date.parse(at);
const price = (amount: number, currency = 'EUR') => ({ amount, currency });

describe('the rule which action is possible in which status, and for whom (product 4.3)', () => {
  const customer = aUser();
  const people = {
    'the customer': [customer],
    'another customer': [aUser()],
    staff: [aUser({ role: 'agent' }), aUser({ role: 'admin' })],
  };
  type Outcome = OrderStatus | 'not allowed (403)' | 'not found (404)' | 'illegal (409)';

  test.each<[OrderAction, OrderStatus, keyof typeof people, Outcome]>([
    ['cancel', 'placed', 'the customer', 'cancelled'],
    ['cancel', 'placed', 'another customer', 'not found (404)'],
    ['cancel', 'placed', 'staff', 'cancelled'],
    ['cancel', 'shipped', 'the customer', 'illegal (409)'],
    ['cancel', 'shipped', 'another customer', 'not found (404)'],
    ['cancel', 'shipped', 'staff', 'cancelled'],
    ['cancel', 'delivered', 'the customer', 'illegal (409)'],
    ['cancel', 'delivered', 'another customer', 'not found (404)'],
    ['cancel', 'delivered', 'staff', 'illegal (409)'],
    ['cancel', 'cancelled', 'the customer', 'illegal (409)'],
    ['cancel', 'cancelled', 'another customer', 'not found (404)'],
    ['cancel', 'cancelled', 'staff', 'illegal (409)'],

    ['ship', 'placed', 'the customer', 'not allowed (403)'],
    ['ship', 'placed', 'another customer', 'not found (404)'],
    ['ship', 'placed', 'staff', 'shipped'],
    ['ship', 'shipped', 'the customer', 'not allowed (403)'],
    ['ship', 'shipped', 'another customer', 'not found (404)'],
    ['ship', 'shipped', 'staff', 'illegal (409)'],
    ['ship', 'delivered', 'the customer', 'not allowed (403)'],
    ['ship', 'delivered', 'another customer', 'not found (404)'],
    ['ship', 'delivered', 'staff', 'illegal (409)'],
    ['ship', 'cancelled', 'the customer', 'not allowed (403)'],
    ['ship', 'cancelled', 'another customer', 'not found (404)'],
    ['ship', 'cancelled', 'staff', 'illegal (409)'],

    ['deliver', 'placed', 'the customer', 'not allowed (403)'],
    ['deliver', 'placed', 'another customer', 'not found (404)'],
    ['deliver', 'placed', 'staff', 'illegal (409)'],
    ['deliver', 'shipped', 'the customer', 'not allowed (403)'],
    ['deliver', 'shipped', 'another customer', 'not found (404)'],
    ['deliver', 'shipped', 'staff', 'delivered'],
    ['deliver', 'delivered', 'the customer', 'not allowed (403)'],
    ['deliver', 'delivered', 'another customer', 'not found (404)'],
    ['deliver', 'delivered', 'staff', 'illegal (409)'],
    ['deliver', 'cancelled', 'the customer', 'not allowed (403)'],
    ['deliver', 'cancelled', 'another customer', 'not found (404)'],
    ['deliver', 'cancelled', 'staff', 'illegal (409)'],
  ])('the action %s on an order that is %s, sent by %s, ends with “%s”', (action, status, who, outcome) => {
    const order = anOrder({ customerId: customer.id, status });
    for (const person of people[who]) {
      const decide = () => decideTransition(order, action, checked(person));
      if (outcome === 'not allowed (403)') {
        expect(decide).toThrow(expect.objectContaining({ kind: 'forbidden', code: 'auth.insufficient-role' }));
      } else if (outcome === 'not found (404)') {
        const refusal = { kind: 'not-found', code: 'orders.not-found', details: { orderId: order.id } };
        expect(decide).toThrow(expect.objectContaining(refusal));
      } else if (outcome === 'illegal (409)') {
        expect(decide).toThrow(expect.objectContaining({ kind: 'conflict', code: 'orders.illegal-transition' }));
      } else {
        expect(decide()).toBe(outcome);
      }
    }
  });

  test.each<[OrderAction, OrderStatus, User, OrderStatus[]]>([
    ['cancel', 'shipped', customer, ['placed']],
    ['cancel', 'delivered', aUser({ role: 'agent' }), ['placed', 'shipped']],
    ['ship', 'shipped', aUser({ role: 'agent' }), ['placed']],
    ['deliver', 'placed', aUser({ role: 'admin' }), ['shipped']],
  ])(
    'a refusal to %s an order that is %s says from which statuses the action is possible',
    (action, status, actor, allowedFrom) => {
      const order = anOrder({ customerId: customer.id, status });
      const refusal = expect.objectContaining({ details: { action, status, allowedFrom } });
      expect(() => decideTransition(order, action, checked(actor))).toThrow(refusal);
    },
  );

  test('staff can deliver and cancel an order whose customer’s account is deleted, and no customer can (product 1.5)', () => {
    const order = anOrder({ customerId: null });
    const agent = checked(aUser({ role: 'agent' }));
    expect(decideTransition({ ...order, status: 'shipped' }, 'deliver', agent)).toBe('delivered');
    expect(decideTransition(order, 'cancel', agent)).toBe('cancelled');
    // The address was deleted with the account.
    const refusal = { kind: 'conflict', code: 'orders.no-address', details: { orderId: order.id } };
    expect(() => decideTransition(order, 'ship', agent)).toThrow(expect.objectContaining(refusal));
    const byCustomer = () => decideTransition(order, 'cancel', checked(customer));
    expect(byCustomer).toThrow(expect.objectContaining({ code: 'orders.not-found' }));
  });
});

describe('the rule who may read an order (product 4.4)', () => {
  const customer = aUser();

  test.each<[string, User, boolean]>([
    ['the customer of an order may read it', customer, true],
    ['another customer may not read an order', aUser(), false],
    ['an agent may read an order', aUser({ role: 'agent' }), true],
    ['an admin may read an order', aUser({ role: 'admin' }), true],
  ])('%s', (_, actor, isAllowed) => {
    const order = anOrder({ customerId: customer.id });
    const check = () => requireReadable(order, checked(actor));
    if (isAllowed) return check();
    expect(check).toThrow(expect.objectContaining({ code: 'orders.not-found', details: { orderId: order.id } }));
  });
});

describe('the rule what an order costs (product 4.1, 4.2)', () => {
  const orderable = (overrides: Partial<OrderableItem> = {}): OrderableItem => ({
    id: newId(),
    version: 1,
    title: 'Teapot',
    price: price(1999),
    stock: null,
    isActive: true,
    ...overrides,
  });

  test('pricing captures title and price of each item in the sequence of the lines, and adds the total up', () => {
    const [pot, cup] = [orderable(), orderable({ title: 'Cup', price: price(250), stock: 4 })];
    const requested = [
      { itemId: cup.id, quantity: 4 },
      { itemId: pot.id, quantity: 1 },
    ];
    expect(priceLines(requested, [pot, cup])).toEqual({
      lines: [
        { itemId: cup.id, title: 'Cup', quantity: 4, price: price(250), tookStock: true },
        { itemId: pot.id, title: 'Teapot', quantity: 1, price: price(1999), tookStock: false },
      ],
      total: price(2999),
    });
  });

  test.each<[string, Partial<OrderableItem>, number, number]>([
    ['an unlimited item in any number', { stock: null }, 1000, 1_999_000],
    ['the last pieces of an item', { stock: 3 }, 3, 5997],
    ['an item that costs nothing', { price: price(0) }, 2, 0],
    ['a currency without minor units', { price: price(7, 'JPY') }, 3, 21],
  ])('an order accepts %s', (_, overrides, quantity, amount) => {
    const item = orderable(overrides);
    const { total } = priceLines([{ itemId: item.id, quantity }], [item]);
    expect(total).toEqual({ amount, currency: item.price.currency });
  });

  test.each<[string, OrderableItem | undefined]>([
    ['is unknown', undefined],
    ['is not for sale', orderable({ isActive: false })],
    ['is not for sale and out of stock', orderable({ isActive: false, stock: 0 })],
  ])('an order refuses an item that %s, and says which line the item is on', (_, wrong) => {
    const good = orderable();
    const itemId = wrong?.id ?? newId();
    const requested = [good.id, itemId].map((id) => ({ itemId: id, quantity: 1 }));
    expect(() => priceLines(requested, wrong ? [good, wrong] : [good])).toThrow(
      expect.objectContaining({
        kind: 'invalid',
        code: 'orders.item-unavailable',
        details: { itemId },
        errors: [expect.objectContaining({ pointer: '/items/1/itemId', code: 'orders.item-unavailable' })],
      }),
    );
  });

  test('an order that can never succeed is refused for that reason before its stock is looked at', () => {
    const few = orderable({ stock: 0 });
    const unknown = newId();
    const lines = [few.id, unknown].map((itemId) => ({ itemId, quantity: 1 }));
    expect(() => priceLines(lines, [few])).toThrow(expect.objectContaining({ code: 'orders.item-unavailable' }));
    const dollars = orderable({ price: { amount: 1, currency: 'USD' } });
    const mixed = [few.id, dollars.id].map((itemId) => ({ itemId, quantity: 1 }));
    expect(() => priceLines(mixed, [few, dollars])).toThrow(
      expect.objectContaining({ code: 'orders.mixed-currencies' }),
    );
  });

  test.each([
    [2, 3],
    [0, 1],
  ])('an item with %i pieces left is refused for an order of %i, and the refusal names the item', (stock, quantity) => {
    const [good, few] = [orderable({ stock: 9 }), orderable({ stock })];
    const requested = [
      { itemId: good.id, quantity: 9 },
      { itemId: few.id, quantity },
    ];
    expect(() => priceLines(requested, [good, few])).toThrow(
      expect.objectContaining({
        kind: 'conflict',
        code: 'orders.out-of-stock',
        message: expect.stringContaining(few.id),
        details: { itemId: few.id, stock, quantity },
      }),
    );
  });

  test('an order refuses items with prices in different currencies, and names the currencies', () => {
    const items = [orderable(), orderable({ price: price(5, 'USD') }), orderable()];
    const requested = items.map(({ id }) => ({ itemId: id, quantity: 1 }));
    expect(() => priceLines(requested, items)).toThrow(
      expect.objectContaining({
        kind: 'invalid',
        code: 'orders.mixed-currencies',
        details: { currencies: ['EUR', 'USD'] },
      }),
    );
  });
});

function given(overrides: Partial<Item> = {}) {
  const [customer, other] = [aUser(), aUser()];
  const agent = aUser({ role: 'agent' });
  const item = anItem({ ownerId: other.id, ...overrides });
  const commands = givenCommands({ users: [customer, other, agent], items: [item] });
  const storedItem = (id = item.id) => commands.state().items.get(id);
  const place = (quantity = 1, context: object = {}) =>
    commands
      .as(customer, { issuedAt, ...context })
      .PlaceOrder({ items: [{ itemId: item.id, quantity }], shippingAddress: address });
  function addOrder(order: Partial<Order> = {}) {
    const added = anOrder({ customerId: customer.id, lines: [aLine({ itemId: item.id, quantity: 2 })], ...order });
    commands.state().orders.set(added.id, added);
    return added;
  }
  return { ...commands, customer, other, agent, item, storedItem, place, addOrder };
}

describe('placing an order (product 4.1, 4.2)', () => {
  test('a new order captures titles and prices, takes the stock, and has its address stored apart from it', async () => {
    const { customer, item, lastEvent, place, state, storedItem } = given({ stock: 5 });
    const { result } = await place(2);
    expect(result).toEqual({ id: expect.any(String), version: 1 });
    expect(state().orders.get(result.id)).toEqual({
      id: result.id,
      number: 1001,
      version: 1,
      customerId: customer.id,
      status: 'placed',
      lines: [{ itemId: item.id, title: 'Teapot', quantity: 2, price: price(1999), tookStock: true }],
      total: price(3998),
      createdAt: at,
      updatedAt: at,
    });
    expect(storedItem()).toEqual({ ...item, stock: 3, stockVersion: 1 });
    expect([...state().shippingAddresses.values()]).toEqual([{ orderId: result.id, customerId: customer.id, address }]);
    expect(lastEvent()).toMatchObject({
      type: 'OrderPlaced',
      streamId: result.id,
      version: 1,
      schemaVersion: 2,
      data: { customerId: customer.id, items: [{ itemId: item.id, quantity: 2 }], total: price(3998) },
    });
    expect(JSON.stringify(state().events)).not.toContain(address.city);
  });

  test('an order keeps title and price when the item is changed or deleted later (product 3.3)', async () => {
    const { as, item, other, place, state } = given();
    const { result } = await place(1);
    const before = state().orders.get(result.id);
    await as(other).UpdateItem({ itemId: item.id, changes: { title: 'Changed', price: price(1, 'USD') } });
    await as(other).DeleteItem({ itemId: item.id });
    expect(state().orders.get(result.id)).toEqual(before);
  });

  test('an order takes the last piece, after which the item is out of stock', async () => {
    const { item, place, storedItem } = given({ stock: 1 });
    await place(1);
    expect(storedItem()?.stock).toBe(0);
    await expect(place(1)).rejects.toMatchObject({
      kind: 'conflict',
      code: 'orders.out-of-stock',
      details: { itemId: item.id, stock: 0, quantity: 1 },
    });
  });

  test('the last piece is sold once when two orders for it are placed at the same time', async () => {
    const { place, state, storedItem } = given({ stock: 1 });
    const outcomes = await Promise.allSettled([place(1), place(1)]);
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'orders.out-of-stock' },
    });
    expect([storedItem()?.stock, state().orders.size]).toEqual([0, 1]);
  });

  test('an order leaves nothing when one of its items is missing', async () => {
    const { as, customer, item, state } = given({ stock: 5 });
    const before = state();
    const items = [item.id, newId()].map((itemId) => ({ itemId, quantity: 1 }));
    const refused = as(customer).PlaceOrder({ items, shippingAddress: address });
    await expect(refused).rejects.toMatchObject({ code: 'orders.item-unavailable' });
    expect(state()).toBe(before);
  });

  test('an order is decided on the primary when a replica that lags behind would refuse it', async () => {
    const { freezeReplica, place, state, storedItem, item } = given({ stock: 0 });
    freezeReplica();
    state().items.set(item.id, { ...item, stock: 5 });
    await place(2, { readFrom: 'first-unconstrained' });
    expect(storedItem()?.stock).toBe(3);
  });

  test('an order captures title and price of the primary when a replica has older ones (product 4.1)', async () => {
    const { as, freezeReplica, item, other, place, state } = given();
    freezeReplica();
    await as(other).UpdateItem({ itemId: item.id, changes: { title: 'Pot', price: price(5, 'USD') } });
    const { result } = await place(2, { readFrom: 'first-unconstrained' });
    expect(state().orders.get(result.id)).toMatchObject({
      lines: [{ title: 'Pot', price: price(5, 'USD') }],
      total: price(10, 'USD'),
    });
  });

  test.each<[string, Partial<Item> | undefined, string]>([
    ['was taken off sale', { isActive: false }, 'orders.item-unavailable'],
    ['was deleted', undefined, 'orders.item-unavailable'],
    ['was sold out', { stock: 0 }, 'orders.out-of-stock'],
  ])('an order refuses an item that %s since the replica was updated', async (_, change, code) => {
    const { freezeReplica, item, place, state } = given({ stock: 5 });
    freezeReplica();
    if (change) state().items.set(item.id, { ...item, ...change, version: 2 });
    else state().items.delete(item.id);
    const refused = place(2, { readFrom: 'first-unconstrained' });
    await expect(refused).rejects.toMatchObject({ code, details: { itemId: item.id } });
    expect(state().orders.size).toBe(0);
  });

  test('an order takes no stock of an unlimited item', async () => {
    const { item, place, storedItem } = given({ stock: null });
    await place(1000);
    expect(storedItem()).toEqual(item);
  });

  const line = { itemId: newId(), quantity: 1 };

  test.each([
    ['without lines', []],
    ['with 51 lines', Array.from({ length: 51 }, () => ({ itemId: newId(), quantity: 1 }))],
    ['with one item on two lines', [line, line]],
    ['of no piece', [{ ...line, quantity: 0 }]],
    ['of 1,001 pieces', [{ ...line, quantity: 1001 }]],
    ['of half a piece', [{ ...line, quantity: 0.5 }]],
  ])('an order %s is refused before anything is read', async (_, items) => {
    const { as, customer } = given();
    const refused = as(customer).PlaceOrder({ items, shippingAddress: address });
    await expect(refused).rejects.toMatchObject({ name: 'ZodError' });
  });
});

describe('moving an order (product 4.3)', () => {
  test.each([
    ['CancelOrder', 'placed', 'cancelled', 'OrderCancelled'],
    ['CancelOrder', 'shipped', 'cancelled', 'OrderCancelled'],
    ['ShipOrder', 'placed', 'shipped', 'OrderShipped'],
    ['DeliverOrder', 'shipped', 'delivered', 'OrderDelivered'],
  ] as const)('%s moves an order that is %s to %s with the event %s', async (name, from, to, type) => {
    const { addOrder, agent, as, customer, item, lastEvent, state } = given();
    const order = addOrder({ status: from, version: 2 });
    const { result } = await as(agent, { issuedAt })[name]({ orderId: order.id });
    expect(result).toEqual({ id: order.id, version: 3 });
    expect(state().orders.get(order.id)).toEqual({ ...order, status: to, version: 3, updatedAt: at });
    expect(lastEvent()).toMatchObject({
      type,
      streamId: order.id,
      version: 3,
      data: { customerId: customer.id, items: [{ itemId: item.id, quantity: 2 }] },
    });
  });

  test('the cancellation of an order returns the stock in the same commit', async () => {
    const { addOrder, as, customer, item, state, storedItem } = given({ stock: 1 });
    const order = addOrder();
    const before = state().events.length;
    await as(customer).CancelOrder({ orderId: order.id });
    expect(storedItem()).toEqual({ ...item, stock: 3, stockVersion: 1 });
    expect(state().events).toHaveLength(before + 1);
    await expect(as(customer).CancelOrder({ orderId: order.id })).rejects.toMatchObject({ kind: 'conflict' });
    expect(storedItem()?.stock).toBe(3);
  });

  test.each(['ShipOrder', 'DeliverOrder'] as const)('%s returns no stock', async (name) => {
    const { addOrder, agent, as, item, storedItem } = given({ stock: 1 });
    const order = addOrder({ status: name === 'ShipOrder' ? 'placed' : 'shipped' });
    await as(agent)[name]({ orderId: order.id });
    expect(storedItem()).toEqual(item);
  });

  const unlimited = null;
  const meanwhile: Readonly<Record<string, (number | null | 'deleted' | 'off sale')[]>> = {
    'stays as it is': [],
    'gets a stock of 3': [3],
    'gets a stock of 3, and another one of 7': [3, 7],
    'becomes unlimited': [unlimited],
    'becomes unlimited, and gets a stock of 3 again': [unlimited, 3],
    'is taken off sale': ['off sale'],
    'is deleted': ['deleted'],
  };

  describe.each(['CancelOrder', 'DeleteUser'] as const)('the stock after an order of 2 pieces ends with %s', (way) => {
    test.each<[number | null, keyof typeof meanwhile, number | null | undefined]>([
      [5, 'stays as it is', 5],
      [5, 'gets a stock of 3', 5],
      [5, 'gets a stock of 3, and another one of 7', 9],
      [5, 'becomes unlimited', unlimited],
      // The pieces were taken, so they come back to the stock that the seller has counted since.
      [5, 'becomes unlimited, and gets a stock of 3 again', 5],
      [5, 'is taken off sale', 5],
      [5, 'is deleted', undefined],
      [unlimited, 'stays as it is', unlimited],
      [unlimited, 'gets a stock of 3', 3],
      [unlimited, 'gets a stock of 3, and another one of 7', 7],
      [unlimited, 'becomes unlimited, and gets a stock of 3 again', 3],
      [unlimited, 'is taken off sale', unlimited],
      [unlimited, 'is deleted', undefined],
    ])('the stock of an item that has %s, and meanwhile %s, ends at %s', async (stock, what, expected) => {
      const { as, customer, item, other, place, storedItem } = given({ stock });
      const { result } = await place(2);
      for (const change of meanwhile[what] ?? []) {
        const changes = change === 'off sale' ? { isActive: false } : { stock: change };
        if (change === 'deleted') await as(other).DeleteItem({ itemId: item.id });
        else await as(other).UpdateItem({ itemId: item.id, changes: changes as { stock: number | null } });
      }
      const before = storedItem();
      if (way === 'CancelOrder') await as(customer).CancelOrder({ orderId: result.id });
      else await as(customer).DeleteUser({ userId: customer.id });
      expect(storedItem()?.stock).toBe(expected);
      // What clients compare rises exactly when the stock changes.
      expect(storedItem()?.stockVersion).toBe(before && before.stockVersion + (before.stock === expected ? 0 : 1));
    });
  });

  test('the cancellation of an order returns the pieces of each line that took some, and of a line that does not say', async () => {
    const { as, addOrder, customer, other, state } = given();
    const items = [anItem({ stock: 1 }), anItem({ stock: 1 }), anItem({ stock: 1 })];
    for (const item of items) state().items.set(item.id, { ...item, ownerId: other.id });
    const took = [{ tookStock: true }, { tookStock: false }, {}];
    const order = addOrder({ lines: took.map((line, index) => aLine({ itemId: items[index]?.id ?? '', ...line })) });
    await as(customer).CancelOrder({ orderId: order.id });
    expect(items.map(({ id }) => state().items.get(id)?.stock)).toEqual([3, 1, 3]);
  });

  test('the cancellation of an order returns no pieces of an item that is unlimited or deleted by now', async () => {
    const { addOrder, as, customer, item, storedItem } = given({ stock: null });
    const order = addOrder({ lines: [aLine({ itemId: item.id }), aLine({ itemId: newId() })] });
    await as(customer).CancelOrder({ orderId: order.id });
    expect(storedItem()).toEqual(item);
  });

  test('an order is cancelled once when two people cancel it at the same time (product 6.3)', async () => {
    const { addOrder, agent, as, customer, storedItem } = given({ stock: 1 });
    const order = addOrder();
    const outcomes = await Promise.allSettled([
      as(customer).CancelOrder({ orderId: order.id }),
      as(agent).CancelOrder({ orderId: order.id }),
    ]);
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(storedItem()?.stock).toBe(3);
  });

  test.each(['CancelOrder', 'ShipOrder', 'DeliverOrder'] as const)(
    '%s is refused with 412 when If-Match names another version',
    async (name) => {
      const { addOrder, agent, as, state } = given();
      const order = addOrder({ status: name === 'DeliverOrder' ? 'shipped' : 'placed', version: 2 });
      const refused = as(agent, { expectedVersion: 1 })[name]({ orderId: order.id });
      await expect(refused).rejects.toMatchObject({ kind: 'precondition', details: { currentVersion: 2 } });
      expect(state().orders.get(order.id)).toEqual(order);
    },
  );

  test('staff can deliver the order of a deleted account, and the event has no customer', async () => {
    const { addOrder, agent, as, lastEvent } = given();
    const order = addOrder({ customerId: null, status: 'shipped' });
    await as(agent).DeliverOrder({ orderId: order.id });
    expect(lastEvent()).toMatchObject({ type: 'OrderDelivered', data: { customerId: null } });
  });
});

/** As version 0.6.0 has recorded it. */
const recorded: RecordedEvent = {
  position: 7,
  id: '0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11',
  type: 'OrderPlaced',
  streamType: 'order',
  streamId: '0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b12',
  version: 1,
  schemaVersion: 1,
  data: {
    customerId: '0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b13',
    items: [{ itemId: '0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b14', quantity: 2 }],
  },
  metadata: { commandId: 'c', requestId: 'r' },
  occurredAt: '2026-01-01T00:00:00.000Z',
};

test('a recorded OrderPlaced of version 1 is read in the newest shape, without a total (product 4.6, 6.4)', () => {
  const { schemaVersion, data } = upcast(eventCatalogue, recorded);
  expect([schemaVersion, data]).toEqual([2, { ...(recorded.data as object), total: null }]);
  const total = { amount: 3998, currency: 'EUR' };
  const newest = { ...recorded, schemaVersion: 2, data: { ...(recorded.data as object), total } };
  expect(upcast(eventCatalogue, newest).data).toEqual(newest.data);
  // Each version has exactly its own fields.
  expect(() => upcast(eventCatalogue, { ...newest, schemaVersion: 1 })).toThrow();
  expect(() => upcast(eventCatalogue, { ...recorded, schemaVersion: 2 })).toThrow();
});

test('an order says of each line whether a cancellation returns its pieces, also of a line that does not say (product 4.1)', () => {
  const order = anOrder();
  const lines = [{ tookStock: true }, { tookStock: false }, {}].map((took) => ({ itemId: newId(), ...took }));
  const row = { ...order, ...order.total, lines, address: null };
  const document = orderView.toDocument(() => [row], order.id);
  expect(document?.data.lines.map(({ tookStock }) => tookStock)).toEqual([true, false, true]);
});
