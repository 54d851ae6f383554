import { describe, expect, test } from 'vitest';
import { createSystem } from '../support/system';

const pages = ['/docs', '/reset-password', '/confirm-email', '/problems', '/problems/orders.out-of-stock'];

test('the root leads to the documentation (product 6.1)', async () => {
  const response = await createSystem().request('/');
  expect([response.status, response.headers.get('Location')]).toEqual([302, '/docs']);
});

describe.each(pages)('the page %s', (path) => {
  test('everything that it loads, and its icon, is a file of this origin', async () => {
    const { request } = createSystem();
    const text = await (await request(path)).text();
    const assets = [...text.matchAll(/<(?:link|script)[^>]+(?:src|href)="([^"]+)"/g)].map(([, asset]) => asset ?? '');
    expect(assets).toContain('/assets/favicon.svg');
    for (const asset of assets) {
      const response = await request(asset);
      expect([asset, response.status, response.headers.get('Cache-Control')]).toEqual([asset, 200, expect.any(String)]);
      const type = asset.endsWith('.js') ? 'javascript' : asset.endsWith('.css') ? 'text/css' : 'image/svg+xml';
      expect(response.headers.get('Content-Type')).toContain(type);
    }
  });

  test('it contains neither scripts nor styles of its own, and the policy forbids them', async () => {
    const response = await createSystem().request(path);
    const text = await response.text();
    expect(text).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(text).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?![^>]+src=)/);
    const policy = response.headers.get('Content-Security-Policy') ?? '';
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    // Swagger UI sets style attributes, so its page alone may.
    expect(policy.includes('unsafe-inline')).toBe(path === '/docs');
    for (const rule of ["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"])
      expect(policy).toContain(rule);
    expect(response.headers.get('Referrer-Policy')).toBe('no-referrer');
  });
});

test('a browser loads nothing for data that it shows as a page, and no other site may embed data', async () => {
  const { headers } = await createSystem().request('/v1/health');
  expect(headers.get('Content-Security-Policy')).toBe("default-src 'none'; frame-ancestors 'none'");
  expect([headers.get('X-Frame-Options'), headers.get('Cross-Origin-Resource-Policy')]).toEqual([
    'DENY',
    'same-origin',
  ]);
  expect(headers.get('Strict-Transport-Security')).toContain('max-age=');
});

test('the icon that browsers ask for beside every response is a file of this origin', async () => {
  const response = await createSystem().request('/favicon.ico');
  expect([response.status, response.headers.get('Content-Type')]).toEqual([200, 'image/svg+xml']);
});

describe('the page for a new password (product 2.9)', () => {
  const load = async (bindings: object = {}) => {
    const response = await createSystem(bindings as Partial<Env>).request('/reset-password');
    return { response, text: await response.text() };
  };

  test('its title and its text name the shop, as text (product 2.9)', async () => {
    const { text } = await load({ BRAND: 'Tea & <Co>' });
    expect(text).toContain('<title>Set a new password · Tea &amp; &lt;Co&gt;</title>');
    expect(text).not.toContain('<Co>');
  });

  test('every input has a label, the messages are announced, and password managers know the new password', async () => {
    const { text, response } = await load();
    const inputs = [...text.matchAll(/<input id="([\w-]+)"/g)].map(([, id]) => id ?? '');
    expect(inputs.sort()).toEqual(['email', 'password', 'show']);
    for (const id of inputs)
      expect(text).toMatch(new RegExp(`<label (?:for="${id}"|class="choice"><input id="${id}")`));
    expect(text).toMatch(/role="status"/);
    expect(text).toMatch(/role="alert"/);
    expect(text).toMatch(/autocomplete="new-password" required minlength="12"\s+maxlength="128"/);
    expect(response.headers.get('Cache-Control')).toContain('no-store');
  });

  test('without JavaScript it says that it needs JavaScript, and shows no form that could not be sent', async () => {
    const { text } = await load();
    expect(text).toMatch(/<p id="no-script">\s*This page needs JavaScript/);
    expect(text.match(/<form [^>]*>/g)).toEqual(['<form id="new-password" hidden>', '<form id="new-link" hidden>']);
  });

  test('the link of a reset e-mail leads to it, unless the configuration names another page (product 2.9)', async () => {
    const linkOf = async (bindings: object) => {
      const system = createSystem(bindings as Partial<Env>);
      const { email } = await system.register();
      await system.send('POST', '/v1/auth/password-reset', { email });
      await system.deliverQueues();
      return /https?:\S+/.exec(
        system.sender.sent.find(({ subject, to }) => to.email === email && subject.startsWith('Reset'))?.text ?? '',
      )?.[0];
    };
    expect(await linkOf({ PUBLIC_URL: 'http://localhost:9000' })).toMatch(
      /^http:\/\/localhost:9000\/reset-password#token=./,
    );
    const other = { PASSWORD_RESET_URL: 'https://shop.example/new-password' };
    expect(await linkOf(other)).toMatch(/^https:\/\/shop\.example\/new-password#token=./);
  });
});
