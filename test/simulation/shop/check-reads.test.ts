import { expect, test } from 'vitest';
import { checkReads } from './check-reads';
import { readingOfFeed } from './feed';
import type { LoggedEvent } from './queries';
import type { ReadRecord } from './record';
import { SettledAccess } from './settled-access';
import { emptyState } from './state';
import type { Timeline } from './timeline';

const admin = { userId: 'a', role: 'admin', tokenGeneration: 1 } as const;
const by = { caller: admin, expiresAt: Number.POSITIVE_INFINITY } as never;

const eventAt = (position: number): LoggedEvent => ({
  ...{ position, id: `e${position}`, type: 'UsersSearched', recordedType: 'UsersSearched', streamId: 's', version: 1 },
  ...{ data: {}, requestId: 'r', commandId: 'c', actorId: 'a', keyId: undefined },
});

/** The log of two events that leave the state as it was. */
function timelineWith(ends: readonly number[]): Timeline {
  const account = { isActive: true, generation: 1, role: 'admin' } as never;
  const state = { ...emptyState, users: new Map([['a', account]]) };
  const segment = { base: 0, epoch: '1', events: [eventAt(1), eventAt(2)], seen: [] };
  return { segment, states: [state, state, state], ends: new Set(ends), commits: new Map() };
}

/** An answer of the feed that ends the log after its first event. */
function read(): ReadRecord {
  const content = { events: [{ position: 1, id: 'e1' }], nextAfter: 1, epoch: '1', isUpToDate: true };
  return {
    ...{ segment: 0, from: 2, until: 2, sentAt: 0, token: undefined, isTokenCurrent: false, isEpochCurrent: true },
    name: 'ReadEvents',
    reading: readingOfFeed(by, { checkpoint: { after: 0, epoch: undefined }, limit: 5, wait: 0 }),
    answer: {
      kind: 'read',
      answer: { content, freshness: { consistency: 'eventual', ageSeconds: undefined, source: 'd1' } },
    },
  };
}

const rules = {
  behaviours: new Set(),
  hardships: new Set(),
  access: new SettledAccess({} as never, {} as never),
} as never;

test('a read of the log may end before a commit that leaves the state as it was', () => {
  expect(() => checkReads([read()], [timelineWith([0, 1, 2])], rules)).not.toThrow();
});

test('a read of the log never ends in the middle of a commit', () => {
  expect(() => checkReads([read()], [timelineWith([0, 2])], rules)).toThrow('isUpToDate is true instead of false');
});
