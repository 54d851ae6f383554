import { describe, expect, test } from 'vitest';
import { createSystem } from '../support/system';

/** The files of a build of the console. */
const files = ['/console/', '/console/assets/index-1a2b.js'];

/** The platform's assets, as far as the console has any. */
const ASSETS = {
  fetch: async (request: Request) => {
    const isKnown = files.includes(new URL(request.url).pathname);
    const isUnchanged = request.headers.get('If-None-Match') === '"1"';
    const headers = { 'Cache-Control': 'public, max-age=0, must-revalidate', ETag: '"1"' };
    if (!isKnown) return new Response('Not found', { status: 404, headers });
    return isUnchanged ? new Response(null, { status: 304, headers }) : new Response('text', { headers });
  },
} as unknown as Fetcher;

async function load(path: string, headers: Record<string, string> = {}) {
  const response = await createSystem({ ASSETS }).request(path, { headers });
  return { status: response.status, headers: response.headers, rule: response.headers.get('Cache-Control') };
}

describe('the console', () => {
  test('a browser asks for a newer page each time, at every address of a screen', async () => {
    for (const path of ['/console', '/console/tickets', '/console/operations/projections/ticket'])
      expect([path, await load(path)]).toMatchObject([path, { status: 200, rule: 'no-cache' }]);
    const unchanged = await load('/console', { 'If-None-Match': '"1"' });
    expect(unchanged).toMatchObject({ status: 304, rule: 'no-cache' });
  });

  test('a browser keeps a file for ever, and never that a file is missing', async () => {
    const rule = 'public, max-age=31536000, immutable';
    expect(await load('/console/assets/index-1a2b.js')).toMatchObject({ status: 200, rule });
    const missing = await load('/console/assets/index-0000.js');
    expect(missing).toMatchObject({ status: 404, rule: expect.stringContaining('no-store') });
  });

  test('its pages may turn no text into a script, and other addresses do not have its policy', async () => {
    const policyOf = async (path: string) => (await load(path)).headers.get('Content-Security-Policy');
    for (const path of ['/console', '/console/tickets'])
      expect(await policyOf(path)).toContain("require-trusted-types-for 'script'; trusted-types 'none'");
    expect(await policyOf('/consoles')).not.toContain('trusted-types');
  });
});
