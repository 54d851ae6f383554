import { describe, expect, test } from 'vitest';
import { createSystem } from '../support/system';

const get = (path: string, init?: RequestInit) => createSystem().request(path, init);
const cacheOf = ({ headers }: Response) => headers.get('Cache-Control');

describe.each(['/console', '/console/', '/console/index.html', '/console/tickets/7', '/console/a.js'])(
  'the address %s shows the console',
  (path) => {
    test('a browser asks for a newer page each time', async () => {
      const page = await get(path);
      expect([page.status, page.headers.get('Content-Type'), cacheOf(page)]).toEqual([
        200,
        'text/html; charset=utf-8',
        'no-cache',
      ]);
      expect(await page.text()).toContain('/console/assets/');
      const known = await get(path, { headers: { 'If-None-Match': page.headers.get('ETag') ?? '' } });
      expect([known.status, cacheOf(known)]).toEqual([304, 'no-cache']);
      const head = await get(path, { method: 'HEAD' });
      expect([head.status, cacheOf(head), await head.text()]).toEqual([200, 'no-cache', '']);
    });

    test('its policy lets it load files of this origin alone, and make no script of a text', async () => {
      const { headers } = await get(path);
      const policy = headers.get('Content-Security-Policy') ?? '';
      expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
      expect(policy).toContain("require-trusted-types-for 'script'; trusted-types 'none'");
      expect(policy).not.toContain('unsafe');
      expect(headers.get('Set-Cookie')).toBeNull();
    });
  },
);

test('the files of the console may be kept for ever, and what is missing may not', async () => {
  const text = await (await get('/console')).text();
  const [file = ''] = /\/console\/assets\/[\w-]+\.js/.exec(text) ?? [];
  const found = await get(file);
  expect([found.status, cacheOf(found)]).toEqual([200, 'public, max-age=31536000, immutable']);
  for (const path of ['/console/assets/first-0.js', '/console/assets/..%2findex.html']) {
    const missing = await get(path);
    expect([path, missing.status, cacheOf(missing)]).toEqual([path, 404, 'private, no-store']);
    expect(missing.headers.get('Content-Type')).toBe('application/problem+json');
  }
});

test.each(['/console/../v1/health', '/console/%2e%2e/v1/health'])('%s is an address of the API', async (path) => {
  const { headers } = await get(path);
  expect(headers.get('Content-Type')).toBe('application/json');
  expect(headers.get('Content-Security-Policy')).toBe("default-src 'none'; frame-ancestors 'none'");
});

test('an address that only begins like the console has nothing, and not its policy', async () => {
  const { headers, status } = await get('/consoles');
  expect(status).toBe(404);
  expect(headers.get('Content-Security-Policy')).not.toContain('trusted-types');
});
