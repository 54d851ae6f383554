import { afterAll, afterEach, beforeAll, test } from 'vitest';
import type { Day } from '../../support/console/day';
import { breakEvent, loseDocument, shipBrokenOrders } from '../../support/console/defects';
import type { Seat } from '../../support/console/seat';

/** What an operator does in a day, by keyboard alone. */
export function operatorsDay(today: () => Day): void {
  let day: Day;
  let seat: Seat;

  beforeAll(async () => {
    day = today();
    seat = await day.sitAs(day.admin);
  });

  afterEach((test) => seat.endTest(test));
  afterAll(() => seat?.leave());

  test('finds out why an order is shown too old, and replays its dead letter (product 13.11, 13.12)', async () => {
    const { id } = await day.placeOrder(await day.createItem('White teapot', 5), 1);
    const repair = await shipBrokenOrders(day, [id]);
    await seat.goTo('Overview');
    await seat.readAgain();
    await seat.heading('Dead letters', 3);
    await seat.checkAccessibility();

    await seat.goTo('Read models');
    await seat.heading('Documents that fail');
    await seat.checkAccessibility();
    await seat.keyboard.choose(seat.page.getByRole('combobox', { name: 'Read model' }), 'order');
    await seat.keyboard.type(seat.page.getByLabel('Key', { exact: true }), `${day.server.url}/console/orders/${id}`);
    await seat.page.keyboard.press('Enter');
    await seat.sees('The document cannot be made from its rows');
    await seat.checkAccessibility();
    await seat.press('link', 'dead letter');

    await seat.heading('OrderShipped: Read models', 1);
    await seat.heading('What it means, and what to do');
    await seat.checkAccessibility();
    await repair();
    seat.watch.mayRefuse('404 GET /v1/operations/dead-letters/*');
    await seat.press('button', 'Replay it');
    await seat.hears('One dead letter was replayed.');
    await seat.hears('One succeeded.');
    await seat.checkAccessibility();

    // The event log keeps who did it, and leads back to what became of it.
    await seat.press('link', 'Who did this');
    await seat.heading(/^DeadLettersReplayed #/, 1);
    await seat.checkAccessibility();
    await seat.press('link', 'What became of them');
    await seat.hears('One succeeded.');
    await seat.open(`/console/read-models/order/${id}`);
    await seat.sees('Both copies have the same content.');
  });

  test('discards a group of dead letters after a question that says what is lost (product 13.8, 13.11)', async () => {
    const item = await day.createItem('Grey teapot', 5);
    const repair = await shipBrokenOrders(day, [
      (await day.placeOrder(item, 1)).id,
      (await day.placeOrder(item, 2)).id,
    ]);
    await seat.goTo('Dead letters');
    await seat.readAgain();
    await seat.checkAccessibility();
    await seat.keyboard.press(
      seat.page
        .getByRole('row', { name: /Read models/ })
        .getByRole('link')
        .first(),
    );
    await seat.heading('The letters of this group');
    await seat.checkAccessibility();
    await seat.press('button', 'Discard the group');
    const dialog = seat.page.getByRole('dialog', { name: 'Discard 2 dead letters?' });
    await seat.sees('It cannot be undone.', dialog);
    await seat.checkAccessibility();
    await seat.press('button', 'Discard the group', dialog);
    await seat.hears('2 dead letters were discarded. Their work is never done.');
    await repair();
  });

  test('projects a document now, and sees what that has changed (product 13.12)', async () => {
    const item = await day.createItem('Black teapot', 5);
    const documentOf = `/console/read-models/item/${item}`;
    await loseDocument(day, 'item', item);
    await seat.open(documentOf);
    await seat.sees('KV has no copy. The database answers: right, but slower.');
    await seat.checkAccessibility();
    await seat.press('button', 'Project now');
    await seat.hears(/^Projected\. Before: No copy\. Now: (?:Just made|Up to date)\./);
    await seat.sees('Both copies have the same content.');
    await seat.press('link', 'Your request in the event log');
    await seat.heading('Event log', 1);
    await seat.page.getByRole('row', { name: day.admin.name }).waitFor();
    await seat.checkAccessibility();
  });

  test('rebuilds a read model, sees how far it is, and stops it (product 13.13)', async () => {
    const repair = await breakEvent(day, await day.createItem('Odd teapot', 5));
    await seat.goTo('Read models');
    await seat.press('link', 'item', seat.page.getByRole('table', { name: 'Read models' }));
    await seat.heading('item', 1);
    await seat.press('button', 'Rebuild');
    const dialog = seat.page.getByRole('dialog', { name: 'Rebuild item?' });
    await seat.checkAccessibility();
    await seat.press('button', 'Rebuild', dialog);
    await seat.page.getByRole('progressbar', { name: 'Progress of the rebuild of item' }).waitFor();
    await seat.checkAccessibility();
    await seat.press('button', 'Stop the rebuild');
    await seat.press(
      'button',
      'Stop the rebuild',
      seat.page.getByRole('dialog', { name: 'Stop the rebuild of item?' }),
    );
    await seat.hears('item: stopped');
    await repair();
    await seat.press('button', 'Rebuild');
    await seat.press('button', 'Rebuild', dialog);
    await seat.hears('item: done');
    await seat.checkAccessibility();
  });

  test('walks in the event log from an event to what it belongs to and what it caused (product 13.14)', async () => {
    const { id } = await day.placeOrder(await day.createItem('Brown teapot', 5), 2);
    await seat.goTo('Event log');
    await seat.checkAccessibility();
    await seat.keyboard.type(seat.page.getByLabel('Stream'), `order/${id}`);
    await seat.page.keyboard.press('Enter');
    await seat.page.waitForURL(`**/console/events?stream=order%2F${id}`);
    await seat.press('link', 'OrderPlaced');
    await seat.heading(/^OrderPlaced #/, 1);
    await seat.heading('Other events of the same command and request');
    await seat.checkAccessibility();
    const caused = seat.page.getByRole('region', { name: 'What it caused' });
    await seat.press('link', `order ${id}`, caused);
    await seat.heading('Document of order', 1);
    await seat.press('link', 'Its events');
    await seat.press('link', 'OrderPlaced');
    await seat.press('link', day.customer.name);
    await seat.page.waitForURL(`**/console/events?actor=${day.customer.id}`);
    await seat.sees('Done by');
    await seat.checkAccessibility();
  });
}
