import { describe, expect, test } from 'vitest';
import { OrderAnonymised, OrderCancelled } from '../../../src/orders/events';
import { newId } from '../../../src/platform/ids';
import { address, aLine, anOrder, checked } from '../factories';
import { type CreateImplementation, given } from './implementation';

const at = '2026-02-01T00:00:00.000Z';

async function givenCustomer(create: CreateImplementation) {
  const system = await given(create);
  const findOrder = (id: string) => system.read((tx) => tx.orders.find(id));
  return { ...system, findOrder, customer: await system.addUser() };
}

/** Orders. */
export function describeOrderRepository(create: CreateImplementation): void {
  describe('the repository of orders', () => {
    test('an order is found as it was added, with its lines and its total', async () => {
      const { addOrder, customer, findOrder } = await givenCustomer(create);
      const lines = [aLine(), aLine({ title: 'Cup “blue”', quantity: 1000, price: { amount: 5, currency: 'EUR' } })];
      const order = await addOrder(customer, { lines, total: { amount: 8998, currency: 'EUR' } });
      expect(await findOrder(order.id)).toEqual(order);
      expect(await findOrder(newId())).toBeUndefined();
    });

    test('a new status of an order is saved with version and time, and no other field or order changes', async () => {
      const { addOrder, customer, findOrder, write } = await givenCustomer(create);
      const [order, other] = [await addOrder(customer), await addOrder(customer)];
      const saved = { status: 'shipped', version: 2, updatedAt: '2026-02-01T00:00:00.000Z' } as const;
      const next = { ...order, ...saved, lines: [], total: { amount: 0, currency: 'USD' }, customerId: null };
      await write((tx) => tx.orders.saveStatus(next, checked(customer)));
      expect(await findOrder(order.id)).toEqual({ ...order, ...saved });
      expect(await findOrder(other.id)).toEqual(other);
    });

    test('orders get numbers one after the other, whatever becomes of earlier ones (product 4.5)', async () => {
      const { addOrder, customer, findOrder, write } = await givenCustomer(create);
      const [first, second] = [await addOrder(customer), await addOrder(customer)];
      expect([first.number, second.number]).toEqual([1001, 1002]);
      await write((tx) => tx.orders.saveStatus({ ...second, status: 'cancelled', version: 2 }, checked(customer)));
      expect((await addOrder(customer)).number).toBe(1003);
      expect((await findOrder(second.id))?.number).toBe(1002);
    });

    test('two orders of one commit get two numbers, and an order of a refused commit gets none (product 4.5)', async () => {
      const { addOrder, customer, findOrder, write } = await givenCustomer(create);
      const [one, two, refused] = [anOrder(), anOrder(), anOrder()].map((order) => ({
        ...order,
        customerId: customer.id,
      }));
      if (!one || !two || !refused) throw new Error('There are three orders.');
      const add = (order: typeof one, tx: Parameters<Parameters<typeof write>[0]>[0]) =>
        tx.orders.add(order, address, 1001, checked(customer));
      await write((tx) => {
        add(one, tx);
        add(two, tx);
      });
      await expect(
        write((tx) => {
          add(refused, tx);
          add(one, tx);
        }),
      ).rejects.toThrow();
      expect([(await findOrder(one.id))?.number, (await findOrder(two.id))?.number]).toEqual([1001, 1002]);
      expect((await addOrder(customer)).number).toBe(1003);
    });

    test('a first number that is raised later skips numbers, and a lower one changes nothing (product 4.5)', async () => {
      const { addOrder, customer, findOrder, write } = await givenCustomer(create);
      await addOrder(customer);
      const [raised, lowered] = [anOrder({ customerId: customer.id }), anOrder({ customerId: customer.id })];
      await write((tx) => tx.orders.add(raised, address, 5000, checked(customer)));
      await write((tx) => tx.orders.add(lowered, address, 7, checked(customer)));
      expect([(await findOrder(raised.id))?.number, (await findOrder(lowered.id))?.number]).toEqual([5000, 5001]);
    });

    test('the orders of a deleted account are kept without a customer, and those that were placed are cancelled (product 1.5)', async () => {
      const { addOrder, addUser, customer, findOrder, run } = await givenCustomer(create);
      const lines = [aLine({ tookStock: true }), aLine({ title: 'Cup “blue”' })];
      const placed = [await addOrder(customer, { lines }), await addOrder(customer, { version: 6 })];
      const others = [];
      for (const status of ['shipped', 'delivered', 'cancelled'] as const)
        others.push(await addOrder(customer, { version: 3, status }));
      const foreign = await addOrder(await addUser());
      const { result } = await run(async (tx) => {
        const released = await tx.orders.anonymiseNextOf(customer.id, at, 5);
        for (const { id, version } of released.rows) {
          tx.record(OrderAnonymised.create(id, version + 1, { customerId: customer.id }));
        }
        return released;
      });
      expect(result.isLast).toBe(true);
      // Which of them come first is left open, as long as each comes once.
      expect(result.rows.toSorted((one, other) => (one.id < other.id ? -1 : 1))).toEqual([
        ...placed.map(({ id, version, lines }) => ({ id, version, cancelledLines: lines })),
        ...others.map(({ id, version }) => ({ id, version, cancelledLines: null })),
      ]);
      for (const order of placed) {
        const cancelled = { status: 'cancelled', customerId: null, version: order.version + 2, updatedAt: at } as const;
        expect(await findOrder(order.id)).toEqual({ ...order, ...cancelled });
      }
      for (const order of others) expect(await findOrder(order.id)).toEqual({ ...order, customerId: null, version: 4 });
      expect(await findOrder(foreign.id)).toEqual(foreign);
    });

    test('the anonymisation of the next orders of a customer leaves the others for the next step', async () => {
      const { addOrder, customer, findOrder, run } = await givenCustomer(create);
      const [one, two] = [await addOrder(customer), await addOrder(customer)];
      const { result } = await run(async (tx) => {
        const released = await tx.orders.anonymiseNextOf(customer.id, at, 1);
        for (const { id, version } of released.rows) {
          tx.record(OrderAnonymised.create(id, version + 1, { customerId: customer.id }));
        }
        return released;
      });
      expect(result).toEqual({ rows: [{ id: one.id, version: 1, cancelledLines: one.lines }], isLast: false });
      expect(await findOrder(one.id)).toMatchObject({ customerId: null, status: 'cancelled', version: 3 });
      expect(await findOrder(two.id)).toEqual(two);
    });

    test('the anonymisation of a customer’s orders is refused when the customer places one in the meantime', async () => {
      const { addOrder, customer, findOrder, write } = await givenCustomer(create);
      const order = await addOrder(customer);
      const refused = write(async (tx) => {
        await tx.orders.anonymiseNextOf(customer.id, at, 5);
        await addOrder(customer);
      });
      await expect(refused).rejects.toMatchObject({ name: 'ConcurrencyError' });
      expect(await findOrder(order.id)).toEqual(order);
    });

    test('the anonymisation of an order is refused when the order is cancelled in the meantime', async () => {
      const { addOrder, customer, findOrder, run } = await givenCustomer(create);
      const order = await addOrder(customer);
      const next = { ...order, status: 'cancelled', version: 2 } as const;
      const refused = run(async (tx) => {
        const { rows } = await tx.orders.anonymiseNextOf(customer.id, at, 5);
        const [released] = rows;
        await run((other) => {
          other.orders.saveStatus(next, checked(customer));
          other.record(OrderCancelled.create(order.id, 2, { customerId: customer.id, items: [] }));
        });
        const version = (released?.version ?? 0) + 1;
        tx.record(OrderAnonymised.create(order.id, version, { customerId: customer.id }));
      });
      await expect(refused).rejects.toMatchObject({ name: 'ConcurrencyError' });
      expect(await findOrder(order.id)).toEqual(next);
    });
  });
}
