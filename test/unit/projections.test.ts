import { describe, expect, test } from 'vitest';
import { createProjectionHandler } from '../../src/consumers/projections';
import type { RecordedEvent } from '../../src/cqrs/log/event';
import { createInlineProjection } from '../../src/cqrs/reading/inline-projection';
import type { ProjectionOutcome, Projector } from '../../src/cqrs/reading/projector';
import type { Wait } from '../../src/platform/clock';
import { createLogger } from '../../src/platform/logger';

function eventAt(position: number): RecordedEvent {
  const stream = { type: 'UserDeleted', streamType: 'user', streamId: 'u', version: 1, schemaVersion: 1 };
  const metadata = { commandId: 'c', requestId: 'r' };
  return { ...stream, id: `e${position}`, position, data: {}, metadata, occurredAt: '' };
}

describe('the handler of the projections', () => {
  function handle(project: () => Promise<ProjectionOutcome>) {
    // The handler calls no other method.
    const written: string[] = [];
    const write = ({ id }: RecordedEvent) => void written.push(id);
    const outcomes = createProjectionHandler({ project } as unknown as Projector, write)([1, 2, 3, 4].map(eventAt));
    return outcomes.then((result) => Object.assign(result, { written }));
  }

  test('each event is done, failed, or tried again when the last of its keys is free', async () => {
    const error = new Error('broken');
    const waiting = new Map([
      [3, 1_001],
      [4, 3_600_000],
    ]);
    const finished = new Set([1]);
    const outcomes = await handle(async () => ({ done: finished, finished, failed: new Map([[2, error]]), waiting }));
    expect(outcomes.written).toEqual(['e1']);
    expect([...outcomes]).toEqual([
      ['e1', { kind: 'done' }],
      ['e2', { kind: 'failed', error }],
      ['e3', { kind: 'later', retryInSeconds: 2 }],
      // A clock that is ahead does not make a message wait for an hour.
      ['e4', { kind: 'later', retryInSeconds: 60 }],
    ]);
  });

  test('a failure of the platform fails the batch, and its events are not handled one by one', async () => {
    const error = new Error('D1_ERROR: Network connection lost.');
    const outcomes = await handle(() => Promise.reject(error));
    expect([...outcomes.values()]).toEqual(Array.from({ length: 4 }, () => ({ kind: 'failed', error })));
  });
});

describe('the inline projection', () => {
  /** An inline projection whose key is free after some milliseconds of waiting. */
  function given(freeAfter: number, failure?: Error) {
    const logs: string[] = [];
    const background: Promise<unknown>[] = [];
    const waits: number[] = [];
    const waited = () => waits.reduce((sum, ms) => sum + ms, 0);
    /** The deadline of the response; it ends when the pauses are as long. */
    let deadline: { ms: number; end(): void } | undefined;
    const wait: Wait = async (ms, { signal } = {}) => {
      if (signal) return new Promise<void>((end) => (deadline = { ms, end }));
      waits.push(ms);
      if (deadline && waited() >= deadline.ms) deadline.end();
    };
    const project = createInlineProjection({
      projector: {
        async projectInline() {
          if (waited() >= freeAfter) return true;
          if (failure) throw failure;
          return false;
        },
      },
      wait,
      waitUntil: (promise) => void background.push(promise),
      logger: createLogger({}, (line) => void logs.push(line)),
    });
    return { background, logs, project: () => project([eventAt(7)]), waited, waits };
  }

  test('a free key needs no wait', async () => {
    const { background, project, waited } = given(0);
    await project();
    expect([waited(), background]).toEqual([0, []]);
  });

  test('the response waits for a key that was written within the last second (product 1.7)', async () => {
    const { background, project, waited } = given(1_000);
    await project();
    expect([waited() >= 1_000, waited() < 3_000, background]).toEqual([true, true, []]);
  });

  test('the background waits for a key that another consumer has claimed (product 1.7)', async () => {
    const { background, logs, project, waited } = given(29_000);
    await project();
    expect([waited() >= 3_000, background.length]).toEqual([true, 1]);
    await Promise.all(background);
    expect([waited() >= 29_000, logs]).toEqual([true, []]);
  });

  test('the waits for a busy key grow up to a second, so that it is not asked for all the time', async () => {
    const { background, project, waits } = given(29_000);
    await project();
    await Promise.all(background);
    // Half of each pause is random.
    for (const [index, longest] of [300, 600, 1_000, 1_000].entries()) {
      expect(waits[index]).toBeGreaterThanOrEqual(longest / 2);
      expect(waits[index]).toBeLessThanOrEqual(longest);
    }
  });

  test('a failure is tried again like a busy key (product 1.7)', async () => {
    const { background, logs, project } = given(2_000, new Error('KV PUT failed: 429'));
    await project();
    expect([background, logs]).toEqual([[], []]);
  });

  test('an inline projection that gives up is logged with its position and its last error', async () => {
    const { background, logs, project, waited } = given(Number.POSITIVE_INFINITY, new TypeError('a text'));
    await project();
    await Promise.all(background);
    expect(waited()).toBe(30_000);
    expect(logs.map((line) => JSON.parse(line))).toMatchObject([
      { event: 'inline-projection.failed', position: 7, error: 'TypeError' },
    ]);
  });
});
