// The orders of the day, and the last teapot in the evening.
import type { Client } from '../../src/client';
import { each, need, type Person, type Shop } from './day';
import { pick } from './people';

export const addressOf = ({ name, home }: Person) => ({ name, ...home.address });

/** The number of an order for people. The client's Consistency-Token makes the read as new as the order. */
export async function numberOf({ api }: Client, id: string): Promise<number> {
  return (await (await api.orders[':id'].$get({ param: { id } })).json()).number;
}

/** Each customer orders and cancels the first order; agents ship and deliver the others. */
export async function sell({ act, agents, customers, items, ordersEach, probe, say }: Shop) {
  let refusal: string | undefined;
  let firstNumber: number | undefined;
  await each(customers, async (customer, index) => {
    const { client } = customer;
    for (let count = 0; count < ordersEach; count++) {
      const itemId = pick(items, index + count);
      const order = { items: [{ itemId, quantity: 1 + count }], shippingAddress: addressOf(customer) };
      const { id } = need(await act('Place order', () => client.api.orders.$post({ json: order }))).answer;
      const param = { id };
      const { client: agent } = pick(agents, index + count);
      if (index === 0 && count === 0) firstNumber = await numberOf(client, id);
      if (count === 0) await act('Cancel order', () => client.api.orders[':id'].cancel.$post({ param }));
      const shipped = await act('Ship order', () => agent.api.orders[':id'].ship.$post({ param }), {
        refused: ({ message }) => (refusal ??= message),
      });
      if (!shipped) continue;
      probe.watch((reader) => reader.api.orders[':id'].$get({ param }), shipped.answer.version);
      await act('Deliver order', () => agent.api.orders[':id'].deliver.$post({ param }));
    }
  });
  say(
    `They place ${customers.length * ordersEach} orders; the first one of ${customers[0]?.name} is No. ${firstNumber}. Each cancels the first one, and its teapots are for sale again.`,
  );
  say(`The agents try to ship the cancelled orders too, and are told 409: “${refusal}”`);
  if (ordersEach > 1) say(`The other ${customers.length * (ordersEach - 1)} orders are shipped and delivered.`);
}

/** Seven customers order the one teapot at the same time. */
export async function sellLastTeapot({ act, customers, owner, say }: Shop) {
  const rare = { title: 'The last teapot', price: { amount: 99_900, currency: 'EUR' }, stock: 1 };
  const { id: itemId } = need(await act('Create item', () => owner.client.api.items.$post({ json: rare }))).answer;
  let refusal: string | undefined;
  const buyers = Array.from({ length: 7 }, (_, index) => pick(customers, index));
  const orders = await Promise.all(
    buyers.map((buyer) => {
      const order = { items: [{ itemId, quantity: 1 }], shippingAddress: addressOf(buyer) };
      return act('Place order', () => buyer.client.api.orders.$post({ json: order }), {
        // The API names an item by its id; its title is what a person knows.
        refused: ({ message }) => (refusal ??= message.replace(itemId, `‘${rare.title}’`)),
      });
    }),
  );
  const winner = buyers.findIndex((_, index) => orders[index] !== undefined);
  const [{ client, name }, placed] = [need(buyers[winner]), need(orders[winner])];
  const number = await numberOf(client, placed.answer.id);
  say(
    `Evening. Seven orders for the last teapot arrive at the same moment. ${name} gets it, with order No. ${number}.`,
  );
  say(`The other ${orders.filter((order) => order === undefined).length} are told 409: “${refusal}”`);
}
