import { ConcurrencyError } from '../../../src/cqrs/writing/errors';
import { operationsErrors } from '../../../src/operations/errors';
import { deadLetterStream } from '../../../src/operations/events';
import type { DeadLetter, DeadLetterFilter, OperationsRepository } from '../../../src/operations/repository';
import { limits } from '../../../src/platform/limits';
import type { MemoryContext } from './context';
import { type DeliveryRow, lastPosition, type MemoryState, type RebuildRow } from './state';
import { find, insert, remove, select, update } from './table';

function versionOfDeadLetters({ events }: MemoryState): number {
  const { streamType, streamId } = deadLetterStream;
  const stream = events.filter((event) => event.streamType === streamType && event.streamId === streamId);
  return Math.max(0, ...stream.map(({ version }) => version));
}

function isAmong(letters: readonly DeadLetter[]) {
  return ({ status, position, subscription }: DeliveryRow) =>
    status === 'dead' && letters.some((letter) => letter.position === position && letter.subscription === subscription);
}

function matches({ error, letters, position, subscription }: DeadLetterFilter) {
  if (letters) return isAmong(letters);
  return (row: DeliveryRow) =>
    row.status === 'dead' &&
    (position === undefined || row.position === position) &&
    (subscription === undefined || row.subscription === subscription) &&
    (error === undefined || row.lastError === error);
}

export function createOperationsRepository({ read, stage, guard }: MemoryContext): OperationsRepository {
  return {
    async findDeadLetters(filter, limit) {
      const state = read();
      const selected = select(state.deliveries, matches(filter)).sort((a, b) => a.position - b.position);
      const letters = selected.slice(0, limit).map(({ position, subscription }) => ({ position, subscription }));
      const remaining = Math.min(limits.deliveriesCounted, selected.length - letters.length);
      return { letters, remaining, version: versionOfDeadLetters(state) };
    },
    replay: (letters, availableAt) =>
      stage(({ deliveries }) => {
        for (const { position, subscription } of select(deliveries, isAmong(letters))) {
          update(deliveries, `${position}-${subscription}`, {
            status: 'pending',
            attempts: 0,
            failures: 0,
            lastError: null,
            availableAt,
          });
        }
      }),
    discard: (letters) => stage((next) => remove(next.deliveries, isAmong(letters))),
    // The unit of work in memory has no read models.
    markKey: () => stage(() => {}),
    findRebuild: async (id) => find(read().rebuilds, id),
    addRebuild(rebuild, progressedAt) {
      const { view } = rebuild;
      guard(
        ({ rebuilds }) => select(rebuilds, (other) => other.view === view && other.status === 'running').length === 0,
        () => operationsErrors.rebuildRunning({ view }),
      );
      stage((next) => {
        const row: RebuildRow = {
          ...rebuild,
          version: 1,
          status: 'running',
          target: lastPosition(next) + 1,
          checkpoint: 0,
          steps: 0,
          keys: 0,
          failedKeys: 0,
          attempts: 0,
          lastError: null,
          progressedAt,
        };
        insert(next.rebuilds, 'rebuilds.id', rebuild.id, row);
      });
    },
    saveCancelled({ id, version, status }) {
      guard(
        ({ rebuilds }) => rebuilds.get(id)?.status === 'running',
        () => new ConcurrencyError(),
      );
      stage((next) => update(next.rebuilds, id, { version, status }));
    },
  };
}
