import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Day, until } from '../../support/console/day';
import type { Seat } from '../../support/console/seat';

/** What several tabs, several people and many things have to share. */
export function sharedDay(today: () => Day): void {
  let day: Day;
  let seat: Seat;

  beforeEach(async () => {
    day = today();
    seat = await day.sit();
  });

  afterEach(async (test) => {
    await seat.endTest(test);
    await seat.leave();
  });

  const account = (name: string) => seat.page.getByRole('button', { name }).and(seat.page.locator('.person'));

  test('signing out leaves nothing of the person in any tab (product 13.15)', async () => {
    await seat.open(`/console/people?search=${day.customer.email}`);
    await seat.signIn(day.agent);
    await seat.sees(day.customer.email);
    const other = await seat.page.context().newPage();
    await other.goto('/console/tickets');
    await other.getByRole('heading', { name: 'Tickets', level: 1 }).waitFor();
    await seat.keyboard.press(account(day.agent.name));
    await seat.watch.leaving(async () => {
      await seat.press('button', 'Sign out');
      await seat.heading('Sign in', 1);
    });
    const { pathname, search } = new URL(seat.page.url());
    expect([pathname, search, await seat.page.title()]).toEqual(['/console', '', 'Console']);
    await other.getByRole('heading', { name: 'Sign in', level: 1 }).waitFor();
  });

  test('a tab does nothing for somebody who has signed in meanwhile (product 13.15)', async () => {
    const id = await day.openTicket('Whose is it?');
    await seat.open(`/console/tickets/${id}`);
    await seat.signIn(day.agent);
    await seat.heading('Whose is it?', 1);
    const { email, password } = day.colleague;
    // Without a word to this tab, as from a window that has not been there for a while.
    const headers = { Origin: day.server.url };
    await seat.page.context().request.post('/v1/auth/session', { data: { email, password }, headers });
    await seat.watch.leaving(() =>
      seat.watch.refused('401 **', async () => {
        await seat.expireAccess();
        await seat.press('button', 'Take it');
        await account(day.colleague.name).waitFor();
      }),
    );
    const ticket = await (await day.colleague.client.api.tickets[':id'].$get({ param: { id } })).json();
    expect(ticket).toMatchObject({ subject: 'Whose is it?', assigneeId: null });
  });

  test('a list of several pages loses no row when new ones come (product 13.16)', async () => {
    const open = (number: number) =>
      day.customer.client.api.tickets.$post({ json: { subject: `Parcel ${number}`, message: 'Where is it?' } });
    for (let number = 1; number <= 25; number++) await open(number);
    const { api } = day.colleague.client;
    await until(async () => {
      const { data } = await (await api.tickets.$get({ query: {} })).json();
      return data.some(({ subject }) => subject === 'Parcel 25');
    });
    await seat.open('/console/tickets');
    await seat.signIn(day.agent);
    const parcels = seat.page.getByRole('link', { name: /Parcel \d+$/ });
    const first = seat.page.getByRole('link', { name: /Parcel 1$/ });
    await parcels.first().waitFor();
    expect(await first.count()).toBe(0);
    await seat.press('button', 'Show more');
    await first.waitFor();
    await open(26);
    await seat.page.getByRole('link', { name: /Parcel 26$/ }).waitFor();
    await until(async () => (await parcels.count()) === 26);
    const names = await parcels.evaluateAll((links) => links.map(({ textContent }) => textContent));
    expect(new Set(names).size).toBe(26);
  });

  test('keys go from row to row in every list of things (product 13.2)', async () => {
    await seat.open('/console/tickets');
    await seat.signIn(day.admin);
    for (const section of ['Tickets', 'Orders', 'Items', 'People', 'Event log']) {
      await seat.goTo(section);
      const row = seat.page.locator('main').locator('tbody a, .newest a').first();
      await row.waitFor();
      await seat.page.keyboard.press('j');
      await expect.poll(() => row.evaluate((link) => link === link.ownerDocument.activeElement)).toBe(true);
    }
  });
}
