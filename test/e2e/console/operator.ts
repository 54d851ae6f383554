import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Day } from '../../support/console/day';
import { breakEvent, shipBrokenOrder } from '../../support/console/defects';
import type { Seat } from '../../support/console/seat';

/** What an operator does in a day, by keyboard alone. */
export function operatorsDay(today: () => Day): void {
  let day: Day;
  let seat: Seat;

  beforeAll(async () => {
    day = today();
    seat = await day.sit();
    await seat.open('/console');
    await seat.signIn(day.admin);
    await seat.heading('Overview', 1);
  });

  afterEach(() => seat.watch.expectSilence());
  afterAll(() => seat?.leave());

  test('finds out why an order is shown too old, and replays its dead letter (product 13.11, 13.12)', async () => {
    const { id } = await day.placeOrder(await day.createItem('White teapot', 5), 1);
    const { letter, repair } = await shipBrokenOrder(day, id);
    await seat.goTo('Overview');
    await seat.readAgain();
    await seat.checkAccessibility();

    await seat.goTo('Read models');
    await seat.checkAccessibility();
    await seat.keyboard.choose(seat.page.getByRole('combobox', { name: 'Read model' }), 'order');
    await seat.keyboard.type(seat.page.getByLabel('Key', { exact: true }), `${day.server.url}/console/orders/${id}`);
    await seat.page.keyboard.press('Enter');
    await seat.sees(/Late: nothing tries again|Fails/);
    await seat.checkAccessibility();
    await seat.press('link', 'The dead letter');

    await seat.heading('OrderShipped: Read models', 1);
    await seat.heading('What it means, and what to do');
    await seat.checkAccessibility();
    await repair();
    await seat.press('button', 'Replay it');
    await seat.hears('One dead letter was replayed.');
    await seat.hears('One succeeded.');
    await seat.checkAccessibility();
    await seat.open(`/console/read-models/order/${id}`);
    await seat.sees('Up to date');
    expect(letter).toMatch(/^\d+-projections$/);
  });
}
