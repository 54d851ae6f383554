import { createExecutionContext, createMessageBatch, createScheduledController, getQueueResult } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import worker from '../../src/worker';

const problem = 'The configuration is not usable: TOKEN_SECRET must have at least 32 characters';
const broken = { ...env, TOKEN_SECRET: 'short' };

/** The lines of the log since the test began. */
let lines: string[] = [];
const entries = () => lines.map((line) => JSON.parse(line)).filter(({ event }) => event !== 'request');
const expected = [{ level: 'error', event: 'configuration.unusable', problem }];

beforeEach(() => {
  lines = [];
  vi.spyOn(console, 'log').mockImplementation((line) => void lines.push(line));
});
afterEach(() => vi.restoreAllMocks());

describe('with a configuration that is not usable (product 8.4)', () => {
  test.each(['/v1/health', '/v1/users/me', '/v1/nothing', '/docs', '/openapi.json'])(
    '%s answers 503, and one line of the log names the variable',
    async (path) => {
      const request = new Request(`https://frontdesk.example${path}`, { headers: { 'X-Request-Id': 'request-1' } });
      const response = await worker.fetch(
        request as Parameters<typeof worker.fetch>[0],
        broken,
        createExecutionContext(),
      );
      expect([response.status, response.headers.get('Retry-After')]).toEqual([503, '60']);
      expect(response.headers.get('X-Content-Type-Options')).toBe('nosniff');
      const text = await response.text();
      expect(JSON.parse(text)).toMatchObject({ code: 'http.configuration', requestId: 'request-1', status: 503 });
      expect(text).not.toContain('TOKEN_SECRET');
      expect(entries()).toMatchObject(expected);
      expect(lines.join()).not.toContain('short"');
    },
  );

  test('the token endpoint answers in the form of RFC 6749', async () => {
    const request = new Request('https://frontdesk.example/v1/auth/token', { method: 'POST' });
    const response = await worker.fetch(
      request as Parameters<typeof worker.fetch>[0],
      broken,
      createExecutionContext(),
    );
    expect([response.status, await response.json()]).toMatchObject([503, { error: 'temporarily_unavailable' }]);
  });

  test('a queue keeps its messages for later', async () => {
    const messages = [{ id: 'm0', timestamp: new Date(), attempts: 1, body: {} }];
    const batch = createMessageBatch('frontdesk-emails', messages);
    const context = createExecutionContext();
    const retryAll = vi.spyOn(batch, 'retryAll');
    await worker.queue(batch, broken, context);
    const { explicitAcks, retryBatch } = await getQueueResult(batch, context);
    expect([explicitAcks, retryBatch.retry]).toEqual([[], true]);
    expect(retryAll).toHaveBeenCalledWith({ delaySeconds: 60 });
    expect(entries()).toMatchObject(expected);
  });

  test('the schedule does nothing', async () => {
    await worker.scheduled(createScheduledController({ cron: '* * * * *' }), broken, createExecutionContext());
    expect(entries()).toMatchObject(expected);
  });
});
