import { describe, expect, test } from 'vitest';
import { explain } from '../../console/src/screens/inspector/explain';
import { inspectorOf, keyIn, placesOf } from '../../console/src/screens/inspector/places';
import { languages } from '../../console/src/texts/languages';
import { views } from '../../src/domains';
import { type ProjectedKey, verdictCodes } from '../../src/operations/key-schemas';
import { judgeKey } from '../../src/operations/key-verdict';

const id = '0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11';
const since = '2026-11-22T07:21:00.000Z';

function delivery(position: number, status: 'pending' | 'dead', lastError: string | null) {
  return {
    ...{
      id: `${position}-projections`,
      position,
      subscription: 'projections' as const,
      type: `Event${position}`,
      status,
    },
    ...{ streamType: 'ticket', streamId: id, requestId: null, occurredAt: since, nextSendAt: since },
    ...{ attempts: 1, sends: 1, lastError, firstFailedAt: null, lastFailedAt: null },
  } as const;
}

/** A document with a verdict; the deliveries are those of five events. */
function found(code: ProjectedKey['verdict']['code'], changes: Partial<ProjectedKey> = {}): ProjectedKey {
  return {
    ...{ view: 'ticket', shape: 'ticket@2', key: id, epoch: '2', floor: 9, logPosition: 50, otherShapes: [] },
    ...{ isSame: false, isSearchComplete: true, database: { document: null, error: null } },
    verdict: { code, detail: '', since, until: since },
    kv: {
      state: 'present',
      document: { version: 1, revision: null, data: {}, asOf: 7, projectedAt: since, epoch: '1' },
    },
    row: { position: 20, claimedUntil: null, lastTouchedAt: null, recheckAt: null, error: null },
    deliveries: [
      delivery(30, 'dead', 'TypeError'),
      delivery(40, 'pending', null),
      delivery(10, 'dead', 'Old'),
      delivery(35, 'pending', 'Busy'),
      delivery(15, 'pending', 'Old'),
    ],
    ...changes,
  };
}

describe('the explanation of a document', () => {
  const timeOf = (iso: string) => iso;

  test.each(verdictCodes)('says something in both languages, and leaves nothing open: %s', (code) => {
    const { reason, values } = explain(found(code), timeOf);
    for (const { inspector } of Object.values(languages)) {
      const { state, why, todo } = inspector.verdict[reason];
      for (const text of [state, why, todo])
        for (const [, name = ''] of text.matchAll(/\{(\w+)\}/g))
          expect(values[name as keyof typeof values], `${reason}: ${name}`).not.toMatch(/^–?$/);
    }
  });

  test('names the oldest event that the document lacks, and how it failed', () => {
    const { reason, missing, values } = explain(found('event-waits'), timeOf);
    expect(reason).toBe('event-fails');
    expect(missing?.position).toBe(35);
    expect(values).toMatchObject({ event: 'Event35', position: '35', error: 'Busy' });
  });

  test.each(['pending', 'dead'] as const)('names the event that the API means: %s', (status) => {
    const deliveries = found('different').deliveries.filter((one) => one.status === status);
    const { verdict, ...facts } = found('different', { deliveries });
    const judged = judgeKey(facts, Date.parse(since));
    expect(judged.code).toBe(status === 'dead' ? 'event-dead' : 'event-waits');
    expect(judged.detail).toContain(
      `The ${status === 'dead' ? 'delivery of the ' : ''}event ${explain({ ...facts, verdict: judged }, timeOf).values.event} `,
    );
  });

  test('tells an event that waits for its turn from one that has failed', () => {
    const { reason, missing } = explain(found('event-waits', { deliveries: [delivery(40, 'pending', null)] }), timeOf);
    expect([reason, missing?.position]).toEqual(['event-waits', 40]);
  });

  test.each([
    ['held', 31_000],
    ['claimed', 29_000],
  ] as const)('tells a run that has probably died from one that is at work: %s', (expected, ms) => {
    const occurredAt = new Date(Date.now() - ms).toISOString();
    const waiting = { ...delivery(40, 'pending', null), occurredAt };
    const { reason, values } = explain(found('claimed', { deliveries: [waiting] }), timeOf);
    expect([reason, values.until]).toEqual([expected, since]);
    expect(values.since).toBe(expected === 'held' ? occurredAt : since);
  });

  test('names the dead letter that is the reason', () => {
    const { missing, values } = explain(found('event-dead'), timeOf);
    expect([missing?.id, values.error]).toEqual(['30-projections', 'TypeError']);
  });

  test('counts every event for a document that was never put', () => {
    expect(explain(found('event-waits', { row: null }), timeOf).missing?.position).toBe(15);
  });

  test('names the error with which the document fails, and not that of an event', () => {
    const database = { document: null, error: 'SyntaxError' };
    expect(explain(found('failing', { database }), timeOf).values.error).toBe('SyntaxError');
  });
});

describe('where a document leads to', () => {
  test('is known for every read model', () => {
    const known = placesOf('user-list', 'all').others;
    for (const { name } of views) {
      const { thing, others } = placesOf(name, id);
      expect(thing !== undefined || known.includes(name) || name === 'user-list', name).toBe(true);
      for (const other of [...others, ...known]) expect(views.map((view) => view.name)).toContain(other);
    }
  });

  test('is the screen of the thing whose id the key is', () => {
    expect(placesOf('staff-ticket', id).thing).toEqual({ owner: 'ticket', screen: `/console/tickets/${id}` });
    expect(placesOf('order-lists', id).thing).toEqual({ owner: 'user', screen: `/console/people/${id}` });
    expect(placesOf('order-lists', 'all').thing).toBeUndefined();
    expect(placesOf('of-a-newer-version', id)).toEqual({ thing: undefined, others: [] });
  });

  test('are the other read models with the same key', () => {
    expect(placesOf('ticket', id).others).toEqual(['staff-ticket']);
    expect(placesOf('item-lists', id).others).toContain('settings');
    expect(placesOf('item-lists', 'all').others).not.toContain('settings');
    expect(inspectorOf('ticket', id)).toBe(`/console/read-models/ticket/${id}`);
  });

  test.each([
    [id, id],
    [` ${id.toUpperCase()} `, id],
    [`https://shop.example/console/tickets/${id}?status=open#reply`, id],
    [`/console/people/${id}/`, id],
    ['all', 'all'],
    ['', ''],
  ])('is found by what somebody types or pastes: %s', (text, key) => {
    expect(keyIn(text)).toBe(key);
  });
});
