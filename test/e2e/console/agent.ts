import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Day, until } from '../../support/console/day';
import type { Seat } from '../../support/console/seat';

/** What an agent does in a day, by keyboard alone. */
export function agentsDay(today: () => Day): void {
  let day: Day;
  let seat: Seat;

  beforeAll(async () => {
    day = today();
    seat = await day.sitAs(day.agent);
  });

  afterEach((test) => seat.endTest(test));
  afterAll(() => seat?.leave());

  const ticketOf = (id: string) => `/v1/tickets/${id}`;
  test('signs in as the demo prints, and sees no screen that is for admins (product 13.1)', async () => {
    const newcomer = await day.sit();
    await newcomer.open('/console/tickets');
    await newcomer.heading('Sign in', 1);
    await newcomer.checkAccessibility();
    await newcomer.watch.refused('422 POST /v1/auth/session', async () => {
      await newcomer.signIn({ ...day.agent, password: 'not the password' });
      await newcomer.hears('The address or the password is wrong.', 'alert');
    });
    await newcomer.signIn(day.agent);
    // The address is the one that was asked for.
    await newcomer.heading('Tickets', 1);
    const links = newcomer.page.getByRole('navigation', { name: 'Sections' }).getByRole('link');
    expect(await links.allInnerTexts()).toEqual(['Overview', 'Tickets', 'Orders', 'Items', 'People', 'Keys and me']);
    for (const path of ['read-models', 'dead-letters', 'events']) {
      await newcomer.open(`/console/${path}`);
      await newcomer.heading('There is no such page', 1);
    }
    await newcomer.page.setViewportSize({ width: 320, height: 640 });
    await newcomer.press('button', 'Menu');
    await newcomer.checkAccessibility();
    await newcomer.page.setViewportSize({ width: 320, height: 640 });
    await newcomer.press('link', 'Items');
    await newcomer.heading('Items', 1);
    await newcomer.leave();
  });

  test('finds what is new in the inbox, and answers it without a mouse (product 13.2, 13.9)', async () => {
    await seat.open('/console/tickets');
    await seat.heading('Tickets', 1);
    // What was there before the first visit is not new.
    await seat.page.getByRole('table').waitFor();
    const id = await day.openTicket('The spout drips');
    await seat.readAgain();
    await seat.page.getByRole('link', { name: 'New since you looked: The spout drips' }).waitFor();
    await seat.press('link', /^open \d+$/);
    await seat.page.waitForURL('**/console/tickets?status=open');
    await seat.checkAccessibility();

    await seat.page.keyboard.press('?');
    const help = seat.page.getByRole('dialog', { name: 'Keyboard' });
    await help.waitFor();
    await seat.checkAccessibility();
    await seat.page.keyboard.press('Escape');
    await help.waitFor({ state: 'hidden' });

    await seat.page.keyboard.press('j');
    await expect.poll(() => seat.page.evaluate('document.activeElement.dataset.ticket')).toBe(id);
    await seat.page.keyboard.press('r');
    const reply = seat.page.getByLabel(`Reply to ${day.customer.name}`);
    await reply.waitFor();
    await expect.poll(() => reply.evaluate((element) => element === element.ownerDocument.activeElement)).toBe(true);
    // Letters that are shortcuts elsewhere are letters here.
    await seat.keyboard.type(reply, 'Just return it, and enjoy a new one.');
    await seat.press('button', 'Send to the customer');
    await seat.hears('Your reply was sent.');
    await seat.sees('Just return it, and enjoy a new one.', seat.page.getByRole('list'));
    await seat.checkAccessibility();

    await seat.press('link', '← All tickets');
    await seat.heading('Tickets', 1);
    await expect.poll(() => seat.page.getByText('New since you looked:').count()).toBe(0);
  });

  test('keeps an internal note, which no customer sees, beside the draft of a reply (product 13.4, 13.7)', async () => {
    const id = await day.openTicket('The handle is loose');
    await seat.open(`/console/tickets/${id}`);
    await seat.heading('The handle is loose', 1);
    const reply = seat.page.getByLabel(`Reply to ${day.customer.name}`);
    await seat.keyboard.type(reply, 'We are sorry.');
    await seat.press('button', 'Internal note');
    const note = seat.page.getByLabel('Internal note', { exact: true });
    expect([await note.inputValue(), await reply.isVisible()]).toEqual(['', false]);
    await seat.keyboard.type(note, 'The third one this week.');
    await seat.checkAccessibility();
    await seat.press('button', 'Keep as a note');
    await seat.hears('Your note was kept.');
    await seat.sees('The third one this week.', seat.page.getByRole('list'));
    // A reload keeps what was typed and not sent.
    await seat.open(`/console/tickets/${id}`);
    await reply.waitFor();
    expect(await reply.inputValue()).toBe('We are sorry.');
    expect(await day.storedTicket(id)).toMatchObject({ replies: [], notes: ['The third one this week.'] });
    const seen = await (await day.customer.client.api.tickets[':id'].$get({ param: { id } })).json();
    expect(JSON.stringify(seen)).not.toContain('third one');
  });

  test('two agents on one ticket: who is second learns what the first did, and loses no word (product 13.5)', async () => {
    const id = await day.openTicket('The lid is missing');
    const other = await day.sit();
    await other.open(`/console/tickets/${id}`);
    await other.signIn(day.colleague);
    for (const one of [seat, other]) {
      if (one === seat) await one.open(`/console/tickets/${id}`);
      await one.heading('The lid is missing', 1);
    }
    const reply = seat.page.getByLabel(`Reply to ${day.customer.name}`);
    await seat.keyboard.type(reply, 'A lid is on its way.');

    await seat.watch.refused(`412 POST ${ticketOf(id)}/assignee`, () =>
      seat.withoutNews(ticketOf(id), async () => {
        await other.press('button', 'Mark as triaged');
        await other.press('button', 'Back to open', other.page);
        await other.press('button', 'Take it');
        await other.sees('(you)');
        await seat.press('button', 'Take it');
        await seat.hears('Your change was not made, because somebody else changed the ticket meanwhile.', 'alert');
      }),
    );
    await seat.hears(`${day.colleague.name} works on it now.`, 'alert');
    await seat.checkAccessibility();
    await seat.press('button', 'Got it');
    expect(await reply.inputValue()).toBe('A lid is on its way.');

    // The other agent replies first. The version of a ticket does not count replies, so the console itself looks.
    await seat.withoutNews(ticketOf(id), async () => {
      await other.keyboard.type(other.page.getByLabel(`Reply to ${day.customer.name}`), 'We send a lid today.');
      await other.press('button', 'Send to the customer');
      await other.hears('Your reply was sent.');
      // Others read it when it is in the ticket's document.
      const { api } = day.admin.client;
      const read = async () => (await api.tickets[':id'].$get({ param: { id } })).json();
      await until(async () => (await read()).replyCount === 1);
      await seat.press('button', 'Send to the customer');
    });
    await seat.hears(`${day.colleague.name} has replied to the customer.`, 'alert');
    expect(await reply.inputValue()).toBe('A lid is on its way.');
    expect((await day.storedTicket(id)).replies).toEqual(['We send a lid today.']);
    await seat.press('button', 'Got it');
    await seat.press('button', 'Send to the customer');
    await seat.hears('Your reply was sent.');
    expect((await day.storedTicket(id)).replies).toEqual(['We send a lid today.', 'A lid is on its way.']);
    await other.leave();
  });

  test('closes a ticket after a question that says what it does (product 13.8)', async () => {
    const id = await day.openTicket('Thank you');
    await seat.open(`/console/tickets/${id}`);
    await seat.press('button', 'Close the ticket');
    const dialog = seat.page.getByRole('dialog', { name: 'Close this ticket?' });
    await dialog.getByText('The customer is told by e-mail, unless they want no such e-mails.').waitFor();
    await seat.checkAccessibility();
    await seat.press('button', 'Go back', dialog);
    await dialog.waitFor({ state: 'hidden' });
    expect((await day.storedTicket(id)).status).toBe('open');
    await seat.press('button', 'Close the ticket');
    await seat.press('button', 'Close the ticket', dialog);
    await seat.sees('A reply of the customer opens the ticket again.');
    expect((await day.storedTicket(id)).status).toBe('closed');
  });

  test('ships an order, and sees what a cancellation gives back to the stock (product 13.4, 13.8)', async () => {
    const item = await day.createItem('Green teapot', 10);
    const [shipped, cancelled] = [await day.placeOrder(item, 2), await day.placeOrder(item, 3)];
    await seat.goTo('Orders');
    await seat.page.getByRole('table', { name: 'Orders, newest first' }).waitFor();
    await seat.checkAccessibility();
    await seat.keyboard.type(seat.page.getByLabel('Order number'), `${shipped.number}`);
    await seat.page.keyboard.press('Enter');
    await seat.press('link', `${shipped.number}`);
    await seat.heading(`Order ${shipped.number}`, 1);
    await seat.checkAccessibility();
    await seat.press('button', 'Ship');
    await seat.hears('Done: the order is shipped.');
    await seat.press('button', 'Deliver');
    await seat.hears('Done: the order is delivered.');

    await seat.open(`/console/orders/${cancelled.id}`);
    await seat.press('button', 'Cancel the order');
    const dialog = seat.page.getByRole('dialog', { name: `Cancel order ${cancelled.number}?` });
    await seat.sees('3 pieces of Green teapot go back to the stock (now 5).', dialog);
    await seat.checkAccessibility();
    await seat.press('button', 'Cancel the order', dialog);
    await seat.hears('Done: the order is cancelled.');
    await seat.page.getByRole('cell', { name: '8', exact: true }).waitFor();
    await seat.press('link', 'Green teapot');
    await seat.heading('Green teapot', 1);
    await seat.checkAccessibility();
  });

  test('an access token that expires is no news, and after the end of a session the work goes on (product 13.6)', async () => {
    const id = await day.openTicket('A long day');
    await seat.open(`/console/tickets/${id}?write=reply`);
    const reply = seat.page.getByLabel(`Reply to ${day.customer.name}`);
    await seat.keyboard.type(reply, 'It is late,');
    await seat.watch.refused('401 GET /v1/**', async () => {
      await seat.expireAccess();
      await seat.readAgain();
      await seat.sees('Read now');
    });

    const { api } = day.admin.client;
    const param = { id: day.agent.id };
    for (const { id: sessionId } of (await (await api.users[':id'].sessions.$get({ param, query: {} })).json()).data)
      await api.users[':id'].sessions[':sessionId'].$delete({ param: { ...param, sessionId } });
    const dialog = seat.page.getByRole('dialog', { name: 'Sign in' });
    await seat.watch.refused('401 **', async () => {
      await seat.expireAccess();
      await seat.press('button', 'Send to the customer');
      await dialog.waitFor();
    });
    await seat.checkAccessibility();
    await seat.keyboard.type(dialog.getByLabel('Password'), day.agent.password);
    await seat.page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'hidden' });
    expect([new URL(seat.page.url()).pathname, await reply.inputValue()]).toEqual([
      `/console/tickets/${id}`,
      'It is late,',
    ]);
    await seat.keyboard.type(reply, 'It is late, but here is the answer.');
    await seat.press('button', 'Send to the customer');
    await seat.hears('Your reply was sent.');

    // A browser that has lost its cookies comes back to the address, and to what was typed.
    await seat.keyboard.type(reply, 'And another one.');
    await seat.page.context().clearCookies();
    await seat.open(`/console/tickets/${id}?write=reply`);
    await seat.heading('Sign in', 1);
    await seat.signIn(day.agent);
    await seat.heading('A long day', 1);
    expect(await reply.inputValue()).toBe('And another one.');
  });

  test('without a network the screen says so, and goes on when it is back (product 13.3)', async () => {
    const id = await day.openTicket('On the train');
    await seat.open(`/console/tickets/${id}`);
    const reply = seat.page.getByLabel(`Reply to ${day.customer.name}`);
    await seat.keyboard.type(reply, 'From the tunnel.');
    await seat.withoutNetwork(async () => {
      await seat.hears('You have no network.');
      await seat.sees('No network: older data');
      await seat.press('button', 'Send to the customer');
      await seat.hears('The API cannot be reached. Check your network, and try again.', 'alert');
      await seat.checkAccessibility();
    });
    await seat.press('button', 'Send to the customer');
    await seat.hears('Your reply was sent.');
    await seat.sees(/^Read (?:now|\d+ seconds? ago)/);
    expect((await day.storedTicket(id)).replies).toEqual(['From the tunnel.']);
  });

  test('makes a key, takes it back, and reads the console in German (product 13.10)', async () => {
    await seat.open('/console/me');
    await seat.heading('Keys and me', 1);
    await seat.keyboard.press(seat.page.getByText('Create a key …'));
    await seat.keyboard.type(seat.page.getByLabel('What is the key for?'), 'Label printer');
    await seat.press('button', 'Create the key');
    await seat.hears('Choose at least one.', 'alert');
    await seat.keyboard.press(seat.page.getByRole('group', { name: 'Orders' }).getByLabel('read'), 'Space');
    await seat.checkAccessibility();
    await seat.press('button', 'Create the key');
    await seat.heading('This is the key “Label printer”', 3);
    await seat.checkAccessibility();
    const key = await seat.page.locator('code.key').innerText();
    const orders = () => fetch(`${day.server.url}/v1/orders`, { headers: { Authorization: `Bearer ${key}` } });
    expect((await orders()).status).toBe(200);
    await seat.press('button', 'I have stored it');
    const row = seat.page.getByRole('row', { name: 'Label printer' });
    await seat.press('button', 'Revoke', row);
    const dialog = seat.page.getByRole('dialog', { name: 'Revoke the key “Label printer”?' });
    await seat.press('button', 'Revoke', dialog);
    await seat.hears('The key was revoked.');
    await row.waitFor({ state: 'detached' });
    await until(async () => (await orders()).status === 401);

    await seat.keyboard.choose(seat.page.getByRole('combobox', { name: 'Language' }), 'Deutsch');
    await seat.press('button', 'Save');
    await seat.heading('Schlüssel und ich', 1);
    await seat.checkAccessibility();
    expect(await seat.page.evaluate('document.documentElement.lang')).toBe('de');
    await seat.keyboard.choose(seat.page.getByRole('combobox', { name: 'Sprache' }), 'English');
    await seat.press('button', 'Speichern');
    await seat.heading('Keys and me', 1);
  });
}
