import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Day } from '../../support/console/day';
import { shipBrokenOrders } from '../../support/console/defects';
import type { Seat } from '../../support/console/seat';

// `npm run console:screenshots` makes the pictures of docs/console.md from the data of the demo.

const folder = 'docs/console';
/** Readers of the documentation load all of them. */
const mostBytes = 100_000;

const until = { timeout: 30_000 };

let day: Day;
let agent: Seat;
let admin: Seat;

beforeAll(async () => {
  day = await Day.begin([]);
  [agent, admin] = await Promise.all([day.sitAs(day.agent), day.sitAs(day.admin)]);
});

afterAll(() => day?.end());

/** Photographs the window once it shows something that it has read. */
async function photograph(seat: Seat, name: string): Promise<void> {
  await seat.sees(/^Read /);
  // Names of people come one by one.
  for (const text of ['Loading …', '…'])
    await expect.poll(() => seat.page.getByText(text, { exact: true }).count(), until).toBe(0);
  const devtools = await seat.page.context().newCDPSession(seat.page);
  const { data } = await devtools.send('Page.captureScreenshot', { format: 'webp', quality: 85 });
  const picture = Buffer.from(data, 'base64');
  expect(picture.length).toBeLessThan(mostBytes);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.webp`), picture);
}

test('the screens of an agent', async () => {
  // Each load of the page is an event, and there is no need for so many.
  await agent.goTo('Tickets');
  await agent.page.getByRole('table').waitFor();
  await photograph(agent, 'tickets');

  const { api } = day.agent.client;
  const { data } = await (await api.tickets.$get({ query: { status: 'triaged', assignee: 'me' } })).json();
  const id = data[0]?.id ?? '';
  await api.tickets[':id'].notes.$post({ param: { id }, json: { note: 'The lids are on the second shelf.' } });
  await agent.open(`/console/tickets/${id}?write=reply`);
  await agent.keyboard.type(agent.page.locator('textarea:visible'), 'We are sorry. A new lid is on its way to you.');
  await photograph(agent, 'ticket');

  const orders = await (await api.orders.$get({ query: { status: 'placed' } })).json();
  await agent.open(`/console/orders/${orders.data[0]?.id}`);
  await agent.heading('Ship to');
  await photograph(agent, 'order');

  await api['api-keys'].$post({ json: { name: 'Label printer', scopes: ['orders:read', 'orders:write'] } });
  await agent.goTo('Keys and me');
  await agent.page.getByRole('row', { name: 'Label printer' }).waitFor();
  await photograph(agent, 'me');
});

test('the screens of an admin', async () => {
  await admin.open(`/console/people/${day.customer.id}`);
  await admin.heading('Manage the account');
  await photograph(admin, 'person');

  const { id } = await day.placeOrder(await day.createItem('The green teapot', 3), 1);
  await shipBrokenOrders(day, [id]);
  await admin.goTo('Overview');
  await admin.readAgain();
  await admin.heading('Dead letters', 3);
  await photograph(admin, 'overview');
  await admin.goTo('Read models');
  await admin.heading('Documents that fail');
  await photograph(admin, 'read-models');
  await admin.press('link', id);
  await admin.heading('The two copies');
  await photograph(admin, 'inspector');
  await admin.press('link', 'dead letter');
  await admin.heading('What it means, and what to do');
  await photograph(admin, 'dead-letter');
  await admin.goTo('Event log');
  await admin.page.getByRole('table').waitFor();
  await photograph(admin, 'events');
});
