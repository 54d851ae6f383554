import { DrizzleQueryError } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { DomainError } from '../../src/platform/errors';
import { createLogger, type LogFormat, type Logger } from '../../src/platform/logger';

/** What a logger writes, with every time of day replaced by the same one. */
function written(format: LogFormat, log: (logger: Logger) => void): string[] {
  const lines: string[] = [];
  log(createLogger({}, (line) => lines.push(line), format));
  return lines.map((line) => line.replace(/^\d\d:\d\d:\d\dZ/, '13:06:09Z'));
}

const request = { method: 'POST', route: '/v1/orders/:id/ship', status: 200, durationMs: 12 };
const traceparent = '00-1545041f92e68faae955c27728dcdc8e-bbae075ec4204e7f-01';

describe('the text format of the log', () => {
  test('the text format shows a request as one line with time, method, route, status and duration', () => {
    expect(written('text', (logger) => logger.info('request', request))).toEqual([
      '13:06:09Z POST /v1/orders/:id/ship 200 12 ms',
    ]);
  });

  test('the text format keeps the line of a request short when the logger has a request id and a trace', () => {
    const [line] = written('text', (logger) => logger.child({ requestId: 'r1', traceparent }).info('request', request));
    expect(line).toBe('13:06:09Z POST /v1/orders/:id/ship 200 12 ms');
  });

  test('the text format shows any other event with its fields, and leaves out fields without a value', () => {
    const fields = { resent: 2, oldest: null, subscription: undefined };
    expect(written('text', (logger) => logger.info('relay.ran', fields))).toEqual([
      '13:06:09Z relay.ran resent=2 oldest=null',
    ]);
  });

  test('the text format leaves out figures of 0 beside another figure, and keeps them when all figures are 0', () => {
    const lines = written('text', (logger) => {
      logger.info('batch.handled', { subscription: 'emails', messages: 1, done: 1, later: 0, failed: 0 });
      logger.info('batch.handled', { subscription: 'emails', done: 0, failed: 0 });
    });
    expect(lines).toEqual([
      '13:06:09Z batch.handled subscription=emails messages=1 done=1',
      '13:06:09Z batch.handled subscription=emails done=0 failed=0',
    ]);
  });

  test('the text format names the level of a warning, and shows the request id after the fields but no trace', () => {
    const [line] = written('text', (logger) =>
      logger.child({ requestId: 'r1', traceparent }).warn('message.failed', { attempts: 3 }),
    );
    expect(line).toBe('13:06:09Z WARN message.failed attempts=3 requestId=r1');
  });

  test('the text format quotes a value with spaces, quotes or line breaks, so that one event stays one line', () => {
    const fields = { error: 'the queue is "away"', note: 'one\ntwo', empty: '' };
    expect(written('text', (logger) => logger.warn('message.failed', fields))).toEqual([
      '13:06:09Z WARN message.failed error="the queue is \\"away\\"" note="one\\ntwo" empty=""',
    ]);
  });

  test('the text format shows the name, the code and the first four frames of an error, but not its message', () => {
    const failure = Object.assign(new TypeError('ada@example.com is not a function'), { code: 'E_GONE' });
    failure.stack = `TypeError: ada@example.com\n${[1, 2, 3, 4, 5].map((line) => `    at step (file.ts:${line})`).join('\n')}`;
    expect(written('text', (logger) => logger.error('request.failed', failure, { cron: '* * * * *' }))).toEqual([
      [
        '13:06:09Z ERROR request.failed cron="* * * * *" error=TypeError code=E_GONE',
        '    at step (file.ts:1)',
        '    at step (file.ts:2)',
        '    at step (file.ts:3)',
        '    at step (file.ts:4)',
      ].join('\n'),
    ]);
  });

  test('the text format shows a domain error by its code, without a stack', () => {
    const refusal = new DomainError('not-found', 'orders.not-found', 'There is no such order.', {});
    expect(written('text', (logger) => logger.error('schedule.failed', refusal))).toEqual([
      '13:06:09Z ERROR schedule.failed error=DomainError code=orders.not-found',
    ]);
  });
});

describe('the JSON format of the log', () => {
  test('the JSON format is the default, and writes one object per line with level, event, time and all fields', () => {
    const lines: string[] = [];
    createLogger({ requestId: 'r1' }, (line) => lines.push(line))
      .child({ traceparent })
      .info('request', request);
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { level: 'info', event: 'request', time: expect.any(String), requestId: 'r1', traceparent, ...request },
    ]);
  });

  test('the JSON format stays the format of a child logger that was made from a JSON logger', () => {
    const [line] = written('json', (logger) => logger.child({ requestId: 'r1' }).warn('message.failed'));
    expect(JSON.parse(line ?? '')).toMatchObject({ level: 'warn', event: 'message.failed', requestId: 'r1' });
  });
});

describe('what the log has of a statement that D1 refused (product 8.3)', () => {
  /** The fields of an error, as the query builder throws it: its own message has the bound values. */
  function logged(message: string) {
    const wrapped = new DrizzleQueryError('INSERT …', ['ada@example.com'], new Error(message));
    const [line = ''] = written('json', (logger) => logger.error('command.failed', wrapped));
    return { line, ...JSON.parse(line) };
  }

  test.each([
    ['D1_ERROR: UNIQUE constraint failed: users.email: SQLITE_CONSTRAINT', 'SQLITE_CONSTRAINT', undefined],
    ['D1_ERROR: no such table: things: SQLITE_ERROR', 'SQLITE_ERROR', undefined],
    [
      'D1_ERROR: near "ada": syntax error: SQLITE_ERROR',
      'SQLITE_ERROR',
      'D1_ERROR: near …: syntax error: SQLITE_ERROR',
    ],
    ["D1_TYPE_ERROR: Type 'object' not supported for value 'O'Neill, ada'", 'D1_TYPE_ERROR', 'D1_TYPE_ERROR: Type …'],
    ['D1_ERROR: unrecognized token: "ada lovelace: SQLITE_ERROR', 'SQLITE_ERROR', 'D1_ERROR: unrecognized token: …'],
  ])('of %j is the code and the message, without what is in quotes', (message, code, refusal = message) => {
    const { line, ...fields } = logged(message);
    expect(fields).toMatchObject({ code, refusal });
    expect(line).not.toContain('ada');
  });

  test('has a bound', () => {
    expect(logged(`D1_ERROR: ${'x'.repeat(1000)}: SQLITE_ERROR`).refusal).toHaveLength(300);
  });

  test('is nothing for a failure that D1 may not have caused', () => {
    expect(logged('D1_ERROR: Network connection lost.')).not.toHaveProperty('refusal');
    expect(logged('ada@example.com is unknown')).not.toHaveProperty('refusal');
  });
});
