// The night: what comes in when nobody is in the shop waits for the morning.
import { need, type Person, type Shop } from './day';
import { pick } from './people';
import { addressOf, numberOf } from './sales';

/** An order that nobody has shipped. */
export interface NightOrder {
  id: string;
  number: number;
  customer: Person;
}

async function order({ act, items }: Shop, customer: Person, place: number): Promise<NightOrder> {
  const { client } = customer;
  const json = { items: [{ itemId: pick(items, place), quantity: 1 }], shippingAddress: addressOf(customer) };
  const { id } = need(await act('Place order', () => client.api.orders.$post({ json }))).answer;
  return { id, number: await numberOf(client, id), customer };
}

/** Two customers order, and the first of them writes a ticket that nobody takes before the morning. */
export async function orderAtNight(shop: Shop): Promise<readonly [NightOrder, NightOrder]> {
  const { act, customers, say } = shop;
  const first = await order(shop, pick(customers, 0), 3);
  const second = await order(shop, pick(customers, 1), 6);
  const { client, home, name } = first.customer;
  const json = { ...home.says.wish, orderId: first.id };
  await act('Open ticket', () => client.api.tickets.$post({ json }));
  say(
    `Night. ${name} and ${second.customer.name} order too (No. ${first.number} and No. ${second.number}), and ${name} asks: “${json.subject}” Nobody is there to take this ticket.`,
  );
  return [first, second];
}
