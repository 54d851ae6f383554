import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { hasNoBrowser, sayIfSkipped, startBrowser } from '../support/chromium';
import { Seat } from '../support/console/seat';
import { admin, type Server, startServer } from '../support/console/server';

sayIfSkipped('The tests of the console');

let server: Server;
let browser: Browser;

describe.skipIf(hasNoBrowser)('the console', () => {
  beforeAll(async () => {
    [server, browser] = await Promise.all([startServer(), startBrowser()]);
  });

  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  test('smoke', async () => {
    const seat = await Seat.take(browser, server.url);
    await seat.open('/console');
    await seat.heading('Sign in', 1);
    await seat.checkAccessibility();
    await seat.signIn(admin);
    await seat.heading('Overview', 1);
    for (const section of ['Tickets', 'Orders', 'Items', 'People', 'Keys and me']) {
      await seat.goTo(section);
      const t = performance.now();
      await seat.checkAccessibility();
      console.log(section, performance.now() - t);
    }
    await seat.leave();
  });
});
