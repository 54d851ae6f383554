import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { hc } from 'hono/client';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createTestHarness } from 'wrangler';
import type { AppType } from '../../src/app';
import { createKeyedHashes } from '../../src/auth/secret-token';
import { createUnsubscribeLinks } from '../../src/notifications/unsubscribe-links';
import { hasNoBrowser, sayIfSkipped, startBrowser } from '../support/chromium';
import { startSmtpSink, variablesFor } from '../support/smtp-sink';

sayIfSkipped('The tests in a browser');

/** The relative luminance of a colour as the browser computes it (WCAG 2.2). */
function luminance(color: string): number {
  const parts = color.match(/[\d.]+/g)?.map((part) => Number(part) / 255) ?? [];
  const [red = 0, green = 0, blue = 0] = parts.map((part) =>
    part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

/** The colours of a text and of what is behind it, for the browser: the grounds of the elements around it show through. */
const colorsOf = (selector: string) => `(() => {
  const parse = (color) => color.match(/[\\d.]+/g).map(Number);
  const element = document.querySelector(${JSON.stringify(selector)});
  const grounds = [];
  for (let at = element; at; at = at.parentElement) grounds.push(parse(getComputedStyle(at).backgroundColor));
  const isDark = getComputedStyle(document.documentElement).colorScheme === 'dark';
  const start = isDark ? [18, 18, 18] : [255, 255, 255];
  const ground = grounds.reduceRight(
    (below, [red, green, blue, alpha = 1]) => [red, green, blue].map((part, at) => part * alpha + below[at] * (1 - alpha)),
    start,
  );
  return { color: getComputedStyle(element).color, ground: 'rgb(' + ground.join(', ') + ')' };
})()`;

const password = 'correct horse battery';
const brand = 'The Tea Shop';
const tokenSecret = randomBytes(32).toString('base64url');
let sink: Awaited<ReturnType<typeof startSmtpSink>>;
let harness: ReturnType<typeof createTestHarness>;
let browser: Browser;
let url: string;

describe.skipIf(hasNoBrowser)('in a real browser', () => {
  beforeAll(async () => {
    const smtp = { username: 'frontdesk', password: randomBytes(16).toString('hex') };
    sink = await startSmtpSink(smtp);
    harness = createTestHarness({
      workers: [
        {
          configPath: './wrangler.toml',
          secrets: { TOKEN_SECRET: tokenSecret, SMTP_PASSWORD: smtp.password },
          vars: {
            BRAND: brand,
            PUBLIC_URL: 'https://api.example',
            ...variablesFor(sink.port, smtp.username),
          },
        },
      ],
    });
    url = (await harness.listen()).url.href.replace(/\/$/, '');
    await harness.getWorker().applyD1Migrations('DB');
    browser = await startBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    await harness?.close();
    await sink?.close();
  });

  /** Opens a page, and collects what the browser complains about. */
  async function open(path: string, options: Parameters<Browser['newPage']>[0] = {}) {
    const page = await browser.newPage({ ...options, baseURL: url });
    const complaints: string[] = [];
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', ({ message }) => complaints.push(message));
    page.on('requestfailed', (request) => complaints.push(`${request.url()} failed`));
    await page.goto(path);
    return { page, complaints };
  }

  const register = (email: string) => hc<AppType>(url).v1.users.$post({ json: { name: 'Ada Byron', email, password } });

  async function signIn(username: string, secret: string): Promise<number> {
    const body = new URLSearchParams({ grant_type: 'password', username, password: secret });
    return (await fetch(`${url}/v1/auth/token`, { method: 'POST', body })).status;
  }

  /** The links to a page that an address has received; the body may be quoted-printable. */
  const linksTo = (email: string, page = '/reset-password') =>
    sink.mails
      .filter(({ to }) => to.includes(email))
      .map(({ raw }) => /https:\S+#token=[\w.-]+/.exec(raw.replace(/=\r?\n/g, '').replace(/=3D/g, '='))?.[0])
      .filter((link) => link?.includes(`${page}#`) === true);

  async function requestLink(email: string): Promise<URL> {
    const json = { 'Content-Type': 'application/json' };
    const body = JSON.stringify({ email });
    const response = await fetch(`${url}/v1/auth/password-reset`, { method: 'POST', headers: json, body });
    expect(response.status).toBe(202);
    await vi.waitFor(() => expect(linksTo(email)).toHaveLength(1), { timeout: 20_000, interval: 50 });
    return new URL(linksTo(email)[0] ?? '');
  }

  /** Opens an operation of the documentation, fills its one parameter of the path in, and sends it. */
  async function tryOut(page: Page, tag: string, operationId: string, id?: string) {
    const operation = page.locator(`#operations-${tag}-${operationId}`);
    await operation.locator('.opblock-summary-control').click();
    await operation.getByRole('button', { name: 'Try it out' }).click();
    if (id !== undefined) await operation.locator('tr[data-param-in="path"] input').fill(id);
    await operation.getByRole('button', { name: 'Execute' }).click();
    const live = operation.locator('.live-responses-table');
    const status = await live.locator('tbody .response-col_status').first().innerText();
    const body: Record<string, unknown> = JSON.parse((await live.locator('.microlight').first().textContent()) ?? '');
    return { status: status.slice(0, 3), body };
  }

  async function setPassword(page: Page, secret: string) {
    await page.getByLabel('New password').fill(secret);
    await page.getByRole('button', { name: 'Set the password' }).click();
  }

  describe('the documentation (product 6.1)', () => {
    /** Swagger UI works for seconds until it shows the whole document, so tests that only look share two pages. */
    let start: Awaited<ReturnType<typeof open>>;
    let operation: Awaited<ReturnType<typeof open>>;

    beforeAll(async () => {
      start = await open('/');
      operation = await open('/docs#/Orders/placeOrder', { colorScheme: 'dark' });
      await start.page.locator('.opblock').first().waitFor();
      await operation.page.locator('#operations-Orders-placeOrder tr.refusal').first().waitFor();
    });

    afterAll(async () => {
      await start?.page.close();
      await operation?.page.close();
    });

    test('is shown without a complaint of the browser, in the order of a newcomer', async () => {
      const { page, complaints } = start;
      expect(new URL(page.url()).pathname).toBe('/docs');
      const tags = await page.locator('.opblock-tag').evaluateAll((all) => all.map(({ dataset }) => dataset.tag));
      expect(tags).toEqual([
        'Users',
        'Signing in',
        'Items',
        'Orders',
        'Tickets',
        'API keys',
        'Events',
        'Exports',
        'Operations',
      ]);
      for (const path of ['/v1/users', '/v1/orders', '/v1/tickets', '/v1/operations/projections'])
        expect(await page.locator(`[data-path="${path}"]`).count()).toBeGreaterThan(0);
      expect(await page.getByRole('heading', { name: 'Who may do what' }).count()).toBe(1);
      expect(complaints).toEqual([]);
    });

    test('an address leads to one operation, whose refusals are one line each with links to their codes', async () => {
      const open = operation.page.locator('#operations-Orders-placeOrder');
      expect(await open.locator('tr.refusal').count()).toBeGreaterThan(7);
      expect(await open.locator('tr.refusal .highlight-code').count()).toBe(0);
      const conflict = open.locator('tr.refusal[data-code="409"]');
      expect(await conflict.getByRole('link', { name: 'orders.out-of-stock' }).getAttribute('href')).toBe(
        '/problems/orders.out-of-stock',
      );
    });

    // The page was opened in the dark, and the reader's system becomes light while it is open.
    test.each(['dark', 'light'] as const)('texts stand out (%s)', async (colorScheme) => {
      const { page } = operation;
      if (colorScheme === 'light') await page.emulateMedia({ colorScheme });
      await page.locator(colorScheme === 'dark' ? 'html.dark-mode' : 'html:not(.dark-mode)').waitFor();
      const { ground } = await page.evaluate<{ ground: string }>(colorsOf('body'));
      expect(luminance(ground) > 0.5).toBe(colorScheme === 'light');
      // WCAG 2.2, 1.4.3.
      const texts = [
        '.info p',
        '.info pre code',
        '.opblock-tag small',
        '.opblock-summary-description',
        '.header-col',
        '.refusal p',
      ];
      for (const selector of texts) {
        const { color, ground } = await page.evaluate<{ color: string; ground: string }>(colorsOf(selector));
        expect([selector, contrast(color, ground) >= 4.5]).toEqual([selector, true]);
      }
    });

    test('the page offers no choice of one server, and no link to a licence', async () => {
      const { page } = start;
      expect(await page.locator('.servers:visible').count()).toBe(0);
      expect(await page.getByRole('button', { name: 'Authorize' }).isVisible()).toBe(true);
      expect(await page.getByRole('link', { name: /licen/i }).count()).toBe(0);
    });

    test('on a narrow screen descriptions have the whole width, and commands scroll instead of breaking', async () => {
      const { page } = start;
      await page.setViewportSize({ width: 320, height: 640 });
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320);
      const widths = await page
        .locator('.opblock-tag small')
        .evaluateAll((all) => all.map((small) => small.clientWidth));
      expect(Math.min(...widths)).toBeGreaterThan(200);
      // Five lines of the example are five lines of the page.
      const isWhole = await page.evaluate(`(() => {
        const code = document.querySelectorAll('.info pre code')[1];
        return code.getBoundingClientRect().height < 6 * 1.4 * parseFloat(getComputedStyle(code).fontSize);
      })()`);
      expect(isWhole).toBe(true);
    });

    test('whoever signs in with e-mail and password can try an operation that needs an account', async () => {
      const email = 'hedy@example.com';
      await register(email);
      const { page, complaints } = await open('/docs#/Users/getOwnUser');
      const operation = page.locator('#operations-Users-getOwnUser');
      await operation.getByRole('button', { name: 'Try it out' }).click();
      const execute = operation.getByRole('button', { name: 'Execute' });
      const answer = operation.locator('.live-responses-table tbody .response-col_status');
      await execute.click();
      await answer.getByText('401').waitFor();
      expect(complaints.splice(0)).toEqual([expect.stringContaining('401')]);

      await page.getByRole('button', { name: 'Authorize', exact: true }).click();
      const dialog = page.locator('.modal-ux');
      const signInForm = dialog.locator('form').filter({ hasText: 'password (OAuth2, password)' });
      await signInForm.getByText('The username is the e-mail address of your account.').waitFor();
      expect(await signInForm.locator('input:visible, select:visible').count()).toBe(2);
      expect(await signInForm.getByText('scopes').filter({ visible: true }).count()).toBe(0);
      const programForm = dialog.locator('form').filter({ hasText: 'client (OAuth2, clientCredentials)' });
      expect(await programForm.getByText('client_secret').filter({ visible: true }).count()).toBe(1);
      await signInForm.getByLabel('username:').fill(email);
      await signInForm.getByLabel('password:').fill('not the password');
      await signInForm.getByLabel('password:').press('Enter');
      await signInForm.getByText('The credentials are wrong').waitFor();
      expect(complaints.splice(0)).toEqual([expect.stringContaining('400')]);

      await signInForm.getByLabel('password:').fill(password);
      const [request] = await Promise.all([
        page.waitForRequest((sent) => sent.url() === `${url}/v1/auth/token`),
        signInForm.getByRole('button', { name: 'Apply given OAuth2 credentials' }).click(),
      ]);
      await signInForm.getByRole('heading', { name: 'Authorized' }).waitFor();
      // A public client sends neither an id nor a secret.
      expect(await request.headerValue('Authorization')).toBeNull();
      expect(Object.fromEntries(new URLSearchParams(request.postData() ?? ''))).toEqual({
        grant_type: 'password',
        username: email,
        password,
      });
      await signInForm.getByRole('button', { name: 'Close' }).click();
      await execute.click();
      await answer.getByText('200').waitFor();
      expect(await operation.locator('.live-responses-table .microlight').first().textContent()).toContain(email);
      expect(await page.evaluate('localStorage.length + sessionStorage.length')).toBe(0);

      // The same sign-in serves a command with the example of its body, and a read with an id in its address.
      const opened = await tryOut(page, 'Tickets', 'openTicket');
      expect(opened).toMatchObject({ status: '201', body: { version: 1 } });
      const read = await tryOut(page, 'Tickets', 'getTicket', `${opened.body.id}`);
      expect(read).toMatchObject({ status: '200', body: { subject: 'My parcel is late', status: 'open' } });
      expect(complaints).toEqual([]);

      await page.getByRole('button', { name: 'Authorize', exact: true }).click();
      await signInForm.getByRole('button', { name: 'Remove authorization' }).click();
      await dialog.getByRole('button', { name: 'Close' }).last().click();
      await execute.click();
      await answer.getByText('401').waitFor();
    });

    test('the examples of the introduction work when they are pasted into a shell one after the other', async () => {
      const { info } = (await (await fetch(`${url}/openapi.json`)).json()) as { info: { description: string } };
      const [, ...examples] = [...info.description.matchAll(/```sh\n(.*?)```/gs)].map(([, example]) => example);
      expect(examples.length).toBeGreaterThan(3);
      const output = execFileSync('sh', ['-ec', [`url=${url}`, ...examples].join('\n')], { encoding: 'utf8' });
      const statuses = [...output.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
      expect(statuses).toEqual(['201', '200', '200', '201', '201', '412']);
      expect(output).toMatch(/^consistency: strong\r$/im);
      expect(output).toContain('"name":"Ada Lovelace"');
      expect(output).toMatch(/^idempotency-replayed: true\r$/im);
      expect(output).toContain('http.precondition-failed');
    });
  });

  describe('the page that confirms an address (product 1.12)', () => {
    async function confirmationLink(email: string): Promise<URL> {
      await register(email);
      await vi.waitFor(() => expect(linksTo(email, '/confirm-email')).toHaveLength(1), {
        timeout: 20_000,
        interval: 50,
      });
      return new URL(linksTo(email, '/confirm-email')[0] ?? '');
    }

    const isConfirmed = async (email: string) => {
      const body = new URLSearchParams({ grant_type: 'password', username: email, password });
      const granted = await fetch(`${url}/v1/auth/token`, { method: 'POST', body });
      const { access_token: token } = (await granted.json()) as { access_token: string };
      const headers = {
        Authorization: `Bearer ${token}`,
        'Consistency-Token': granted.headers.get('Consistency-Token') ?? '',
      };
      return ((await (await fetch(`${url}/v1/users/me`, { headers })).json()) as { emailConfirmed: boolean })
        .emailConfirmed;
    };

    test('the link of the welcome e-mail confirms the address when its reader presses the button, and once', async () => {
      const email = 'hedy@example.com';
      const link = await confirmationLink(email);
      expect(`${link.origin}${link.pathname}`).toBe('https://api.example/confirm-email');
      const { page, complaints } = await open(`${link.pathname}${link.hash}`);
      const button = page.getByRole('button', { name: 'Confirm the address' });
      await button.waitFor();
      // The secret is neither in the address nor in the history, and loading the page has confirmed nothing.
      expect(page.url()).toBe(`${url}/confirm-email`);
      expect(await page.evaluate('document.activeElement.tagName')).toBe('BUTTON');
      expect(await isConfirmed(email)).toBe(false);
      await page.route('**/v1/**', (route) => route.abort());
      await button.click();
      await page.getByRole('alert').filter({ hasText: 'The shop did not answer.' }).waitFor();
      complaints.length = 0;
      await page.unroute('**/v1/**');
      await button.press('Enter');
      await page.getByRole('status').filter({ hasText: 'Your e-mail address is confirmed.' }).waitFor();
      expect(await button.isVisible()).toBe(false);
      expect(await isConfirmed(email)).toBe(true);
      expect(complaints).toEqual([]);

      await page.evaluate(`location.hash = ${JSON.stringify(link.hash)}`);
      await button.click();
      await page.getByRole('status').filter({ hasText: 'has been used already' }).waitFor();
      await page.evaluate('location.hash = "token=cut-off"');
      await button.click();
      await page.getByRole('alert').filter({ hasText: 'This link has expired' }).waitFor();
    });

    test('without a link it says what it is for, in the language of the browser', async () => {
      const { page } = await open('/confirm-email', { locale: 'de-DE' });
      await page.getByRole('status').filter({ hasText: 'Bitte öffnen Sie den Link in der E-Mail.' }).waitFor();
      expect(await page.getByRole('heading').textContent()).toBe('E-Mail-Adresse bestätigen');
      expect(await page.getByRole('button').count()).toBe(0);
    });

    test.each(['light', 'dark'] as const)(
      'nothing is cut off at 320 pixels, and texts stand out (%s)',
      async (colorScheme) => {
        const { page } = await open('/confirm-email#token=t', { colorScheme, viewport: { width: 320, height: 640 } });
        await page.getByRole('button').waitFor();
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320);
        for (const selector of ['h1', '.hint', 'button']) {
          const { color, ground } = await page.evaluate<{ color: string; ground: string }>(colorsOf(selector));
          expect([selector, contrast(color, ground) >= 4.5]).toEqual([selector, true]);
        }
      },
    );

    test('without JavaScript it says so, and shows no button', async () => {
      const { page } = await open('/confirm-email#token=t', { javaScriptEnabled: false });
      await page.getByText('This page needs JavaScript').waitFor();
      expect(await page.locator('form:visible').count()).toBe(0);
    });
  });

  describe('the page for a new password (product 2.9)', () => {
    test('the link of the e-mail sets a new password, with which one signs in (product 2.9)', async () => {
      const email = 'grace@example.com';
      await register(email);
      const link = await requestLink(email);
      expect(`${link.origin}${link.pathname}`).toBe('https://api.example/reset-password');
      const subjects = sink.mails
        .filter(({ to }) => to.includes(email))
        .map(({ raw }) => /^Subject: (.*)$/m.exec(raw)?.[1]);
      expect(subjects.map((subject) => subject?.trim()).sort()).toEqual([
        `Reset your password at ${brand}`,
        `Welcome to ${brand}`,
      ]);
      const { page, complaints } = await open(`${link.pathname}${link.hash}`);
      expect(await page.title()).toBe(`Set a new password · ${brand}`);
      // The secret is neither in the address nor in the history.
      expect(page.url()).toBe(`${url}/reset-password`);
      expect(await page.evaluate('document.activeElement.id')).toBe('password');
      await setPassword(page, 'a brand new password');
      await page.getByRole('status').filter({ hasText: 'Your new password is set.' }).waitFor();
      expect(await page.getByLabel('New password').isVisible()).toBe(false);
      expect([await signIn(email, password), await signIn(email, 'a brand new password')]).toEqual([400, 200]);
      expect(complaints).toEqual([]);

      await page.goto(`/reset-password${link.hash}`);
      await setPassword(page, 'yet another password');
      await page.getByRole('alert').filter({ hasText: 'has been used already, or it has expired' }).waitFor();
      expect(await signIn(email, 'yet another password')).toBe(400);
    });

    test('a link that is no link leads to a new one by e-mail, also when it is pasted into the open page', async () => {
      const email = 'radia@example.com';
      await register(email);
      const { page } = await open('/reset-password#token=cut-off');
      await setPassword(page, 'a brand new password');
      await page.getByRole('alert').filter({ hasText: 'Enter your address to get a new one.' }).waitFor();
      const address = page.getByLabel('E-mail address of your account');
      expect(await page.evaluate('document.activeElement.id')).toBe('email');
      await address.fill(email);
      await page.getByRole('button', { name: 'Send me a link' }).click();
      await page.getByRole('status').filter({ hasText: 'an e-mail with a link is on its way' }).waitFor();
      await vi.waitFor(() => expect(linksTo(email)).toHaveLength(1), { timeout: 20_000, interval: 50 });
      const { hash } = new URL(linksTo(email)[0] ?? '');
      await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
      await setPassword(page, 'a brand new password');
      await page.getByRole('status').filter({ hasText: 'Your new password is set.' }).waitFor();
      expect(await signIn(email, 'a brand new password')).toBe(200);
    });

    test('without a link it asks for the address, and a password that is too short is not sent', async () => {
      const { page } = await open('/reset-password');
      expect(await page.getByLabel('E-mail address of your account').isVisible()).toBe(true);
      expect(await page.evaluate('document.activeElement.id')).toBe('email');
      // It is no news that something succeeded.
      expect(await page.getByRole('status').textContent()).toBe('');
      expect(await page.getByText('This page sets a new password with a link').isVisible()).toBe(true);
      await page.goto('/reset-password#token=t');
      // The page has taken the token out of the address when it shows the form.
      await page.getByLabel('New password').waitFor();
      await page.reload();
      expect(await page.getByLabel('New password').isVisible()).toBe(false);
      await page.evaluate('location.hash = "token=t"');
      const requests: string[] = [];
      page.on('request', (request) => request.url().includes('/v1/') && requests.push(request.url()));
      await setPassword(page, 'short');
      expect(await page.evaluate('document.querySelector("#password").validity.tooShort')).toBe(true);
      expect(requests).toEqual([]);
    });

    test('when the API does not answer, it says so, and the same form can be sent again', async () => {
      const { page } = await open('/reset-password#token=t');
      await page.route('**/v1/**', (route) => route.abort());
      await setPassword(page, 'a brand new password');
      await page.getByRole('alert').filter({ hasText: 'The shop did not answer.' }).waitFor();
      expect(await page.getByLabel('New password').inputValue()).toBe('a brand new password');
      await page.unroute('**/v1/**');
      await page.getByRole('button', { name: 'Set the password' }).click();
      await page.getByRole('alert').filter({ hasText: 'has been used already' }).waitFor();
    });

    test.each(['light', 'dark'] as const)(
      'nothing is cut off at 320 pixels, and texts stand out (%s)',
      async (colorScheme) => {
        const { page } = await open('/reset-password#token=t', { colorScheme, viewport: { width: 320, height: 640 } });
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320);
        const colors = (selector: string): Promise<{ color: string; backgroundColor: string }> =>
          page.evaluate(`(() => {
            const { color, backgroundColor } = getComputedStyle(document.querySelector('${selector}'));
            return { color, backgroundColor };
          })()`);
        // WCAG 2.2, 1.4.3.
        const { backgroundColor: ground } = await colors('body');
        for (const selector of ['h1', '.brand', '.hint', 'label', 'button']) {
          const { color, backgroundColor } = await colors(selector);
          const ratio = contrast(color, selector === 'button' ? backgroundColor : ground);
          expect([selector, ratio >= 4.5]).toEqual([selector, true]);
        }
      },
    );

    test('without JavaScript it says that it needs JavaScript, and shows no form', async () => {
      const { page } = await open('/reset-password#token=t', { javaScriptEnabled: false });
      await page.getByText('This page needs JavaScript').waitFor();
      expect(await page.locator('form:visible').count()).toBe(0);
    });
  });

  test('the page that ends e-mails works without JavaScript, and its policy lets the form be sent (product 11.5)', async () => {
    const { id } = await (await register('unsubscriber@example.com')).json();
    const links = createUnsubscribeLinks(createKeyedHashes([tokenSecret]), url);
    const { page, complaints } = await open(links.urlFor(id, 'de-DE').replace(url, ''), { javaScriptEnabled: false });
    await page.getByRole('button', { name: 'E-Mails abschalten' }).click();
    await page
      .getByRole('status')
      .filter({ hasText: `keine E-Mails zu Bestellungen und Anfragen von ${brand}` })
      .waitFor();
    expect([page.url().startsWith(`${url}/unsubscribe?`), complaints]).toEqual([true, []]);
    const wants = 'SELECT email_notifications AS wants FROM settings WHERE user_id = ?';
    const { DB } = (await harness.getWorker().getEnv()) as { DB: D1Database };
    expect(await DB.prepare(wants).bind(id).first('wants')).toBe(0);
  });
});
