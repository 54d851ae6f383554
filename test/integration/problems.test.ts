import { describe, expect, test } from 'vitest';
import { errorCatalogue } from '../../src/domains';
import { newId } from '../../src/platform/ids';
import { createSystem } from '../support/system';

interface Problem {
  type: string;
  code: string;
  detail: string;
  details?: Record<string, unknown>;
}

describe('the error catalogue', () => {
  test('every error of the catalogue has a code of its own, and a meaning and a remedy in sentences', () => {
    const codes = errorCatalogue.map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
    for (const { code, meaning, remedy } of errorCatalogue) {
      expect(code).toMatch(/^[a-z-]+(?:\.[a-z-]+)?$/);
      for (const text of [meaning, remedy])
        expect([code, text]).toEqual([code, expect.stringMatching(/^[A-Z].{10,}\.$/)]);
    }
  });

  test('the codes of the catalogue are the enum of codes in the OpenAPI document', async () => {
    const { request } = createSystem();
    const { components } = await (await request('/openapi.json')).json<{
      components: { schemas: { Problem: { properties: { code: { enum: string[] } } } } };
    }>();
    expect(components.schemas.Problem.properties.code.enum).toEqual(errorCatalogue.map(({ code }) => code));
  });

  test.each(errorCatalogue.map(({ code, meaning, remedy }) => ({ code, meaning, remedy })))(
    'the page of $code says what the error means and what to do',
    async ({ code, meaning, remedy }) => {
      const response = await createSystem().request(`/problems/${code}`);
      expect([response.status, response.headers.get('Content-Type')]).toEqual([
        200,
        expect.stringContaining('text/html'),
      ]);
      const text = (await response.text()).replaceAll('&#39;', "'").replaceAll('&quot;', '"').replaceAll('&gt;', '>');
      expect(text).toContain(meaning);
      expect(text).toContain(remedy);
    },
  );

  test('one page lists every code, and the page of an unknown code is a 404 problem', async () => {
    const { request } = createSystem();
    const list = await (await request('/problems')).text();
    for (const { code } of errorCatalogue) expect(list).toContain(`href="/problems/${code}"`);
    const unknown = await request('/problems/nothing.like-this');
    expect([unknown.status, (await unknown.json<Problem>()).code]).toEqual([404, 'http.not-found']);
  });
});

test('the type of a problem is the address of the page of its code', async () => {
  const { request } = createSystem();
  const problem = await (await request(`/v1/items/${newId()}`)).json<Problem>();
  const page = await request(new URL(problem.type).pathname);
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining(problem.code)]);
});

test('an order that asks for too many pieces says which item is out of stock, and how many pieces are left', async () => {
  const { register, send } = createSystem();
  const { bearer } = await register();
  const item = { title: 'Rope', price: { amount: 100, currency: 'EUR' }, stock: 2 };
  const { id: itemId } = await (await send('POST', '/v1/items', item, bearer)).json<{ id: string }>();
  const shippingAddress = { name: 'a', line1: 'b', postalCode: 'c', city: 'd', country: 'DE' };
  const response = await send('POST', '/v1/orders', { items: [{ itemId, quantity: 3 }], shippingAddress }, bearer);
  const problem = await response.json<Problem>();
  expect([response.status, problem.code]).toEqual([409, 'orders.out-of-stock']);
  expect(problem.details).toEqual({ itemId, stock: 2, quantity: 3 });
  expect(problem.detail).toContain(itemId);
});
