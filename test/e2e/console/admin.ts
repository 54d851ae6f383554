import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Day, until } from '../../support/console/day';
import type { Seat } from '../../support/console/seat';

/** What an admin does in a day, by keyboard alone. */
export function adminsDay(today: () => Day): void {
  let day: Day;
  let seat: Seat;

  beforeAll(async () => {
    day = today();
    seat = await day.sitAs(day.admin);
  });

  afterEach((test) => seat.endTest(test));
  afterAll(() => seat?.leave());

  test('edits an item, and keeps what was typed when the seller was faster (product 13.4, 13.5)', async () => {
    const id = await day.createItem('Blue teapot', 12);
    await seat.goTo('Items');
    await seat.page.getByRole('table', { name: 'Items, newest first' }).waitFor();
    await seat.checkAccessibility();
    await seat.press('link', 'Blue teapot');
    await seat.heading('Blue teapot', 1);
    const [price, stock] = [seat.page.getByLabel('Price in EUR'), seat.page.getByLabel('Stock')];
    await seat.keyboard.type(price, '26.90');
    await seat.checkAccessibility();
    const { api } = day.colleague.client;
    await api.items[':id'].$patch({ param: { id }, json: { stock: 9 } });
    await seat.watch.refused(`412 PATCH /v1/items/${id}`, async () => {
      await seat.press('button', 'Save');
      await seat.hears('Nothing was saved, because the item was changed meanwhile.', 'alert');
    });
    await seat.hears('Stock: was 12, is 9 now', 'alert');
    await seat.checkAccessibility();
    expect([await price.inputValue(), await stock.inputValue()]).toEqual(['26.90', '9']);
    await seat.press('button', 'Save');
    await seat.hears('Saved.');
    const { database } = day.server;
    const row = database.prepare('SELECT amount, stock FROM items WHERE id = ?').bind(id);
    expect(await row.first()).toEqual({ amount: 2690, stock: 9 });
  });

  test('finds a person, ends what acts for them, and gives them a role (product 13.8)', async () => {
    const grace = await day.join('Grace Hopper', 'grace@example.com');
    await seat.goTo('People');
    await seat.heading('Newest accounts');
    await seat.checkAccessibility();
    await seat.keyboard.type(seat.page.getByLabel('Find a person'), 'grac');
    await seat.page.keyboard.press('Enter');
    await seat.hears('One person found');
    await seat.checkAccessibility();
    await seat.press('link', 'Grace Hopper');
    await seat.heading('Grace Hopper', 1);
    await seat.page.getByRole('row', { name: 'Shopping list' }).waitFor();
    await seat.checkAccessibility();

    await seat.press('button', 'End it');
    const question = seat.page.getByRole('dialog', { name: 'End this session?' });
    await seat.press('button', 'End it', question);
    await seat.hears('The session was ended.');
    await seat.press('button', 'Revoke');
    await seat.press('button', 'Revoke', seat.page.getByRole('dialog', { name: 'Revoke the key “Shopping list”?' }));
    await seat.hears('The key was revoked.');
    await seat.sees('No API keys.');
    await seat.sees('No open session.');

    await seat.keyboard.choose(seat.page.getByRole('combobox', { name: 'Role' }), 'agent');
    await seat.sees('Agents answer tickets, ship orders, and see all customers.');
    await seat.press('button', 'Change the role');
    await seat.hears('The role was changed.');
    const { database } = day.server;
    const role = () => database.prepare('SELECT role FROM users WHERE id = ?').bind(grace.id).first('role');
    expect(await role()).toBe('agent');
  });

  test('deactivates an account, exports it, and erases it after a question that says what is lost (product 13.8)', async () => {
    const { id } = await day.join('Radia Perlman', 'radia@example.com');
    await seat.open(`/console/people/${id}`);
    await seat.heading('Radia Perlman', 1);
    await seat.press('button', 'Deactivate');
    await seat.press(
      'button',
      'Deactivate',
      seat.page.getByRole('dialog', { name: 'Deactivate the account of Radia Perlman?' }),
    );
    await seat.press('button', 'Reactivate');
    await seat.keyboard.reach(seat.page.getByRole('button', { name: 'Deactivate' }));

    const download = seat.page.waitForEvent('download');
    await seat.press('button', 'Export the data');
    const file = await readFile(await (await download).path(), 'utf8');
    expect(file).toContain('radia@example.com');
    await seat.hears('The file is in your downloads.');

    await seat.press('button', 'Delete and erase');
    const dialog = seat.page.getByRole('dialog', { name: 'Delete the account of Radia Perlman, and erase its data?' });
    await seat.sees('This cannot be undone.', dialog);
    await seat.checkAccessibility();
    seat.watch.mayRefuse(`404 GET /v1/users/${id}`);
    await seat.press('button', 'Delete and erase', dialog);
    await seat.hears('The account is deleted, and nothing of it is left.');
    await seat.checkAccessibility();
    const { database } = day.server;
    await until(async () => (await database.prepare('SELECT 1 FROM users WHERE id = ?').bind(id).first()) === null);
  });
}
