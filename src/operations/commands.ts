import * as z from 'zod';
import { activeAdmin, type DefineCommand } from '../access/access-rules';
import type { CheckedActor } from '../access/caller';
import { subscriptions } from '../cqrs/log/event';
import type { View } from '../cqrs/reading/view';
import type { CommandDetails } from '../cqrs/writing/command';
import { requireVersion } from '../cqrs/writing/expected-version';
import type { Transaction } from '../cqrs/writing/unit-of-work';
import { newId } from '../platform/ids';
import { limits } from '../platform/limits';
import { uuid } from '../platform/uuid';
import { operationsErrors } from './errors';
import * as events from './events';
import { readModelNamed } from './read-model-named';
import { cancelRebuild } from './rebuild';
import type { DeadLetter, DeadLetterFilter, OperationsRepository } from './repository';
import { documentKeyText, errorClass, faults } from './schemas';

export interface OperationsTransaction {
  operations: OperationsRepository;
}

type Tx = Transaction<OperationsTransaction>;
type Details = CommandDetails<CheckedActor>;

const startRebuild = z.strictObject({ view: z.string() });
const requestProjection = z.strictObject({ view: z.string(), key: documentKeyText });
const cancelRebuildInput = z.strictObject({ rebuildId: uuid });
const deadLetterFilter = z.strictObject({
  position: z.int().optional(),
  subscription: z.enum(subscriptions).optional(),
  fault: z.enum(faults).optional(),
  error: errorClass.nullable().optional(),
  letters: z.array(z.strictObject({ position: z.int(), subscription: z.enum(subscriptions) })).optional(),
});

/** The commands of operators. Each is for admins only, and each records an event for the audit trail. */
export function createOperationsCommands(
  command: DefineCommand<OperationsTransaction>,
  views: readonly Pick<View, 'id' | 'name'>[],
) {
  return {
    /** Makes up to 500 dead letters due again; without a position or a fault, those that are the system's fault. */
    ReplayDeadLetters: command({
      input: deadLetterFilter,
      onlyIf: activeAdmin,
      // A delivery becomes a dead letter without an event, so no commit would notice that a replica lacks one.
      readsPrimary: true,
      handle: (filter, tx, details) =>
        changeDeadLetters(tx, filter, (letters, version) => {
          tx.operations.replay(letters, details.issuedAt, details.actor);
          tx.record(events.DeadLettersReplayed.create(events.deadLetterStream.streamId, version, { letters }));
        }),
    }),

    /** Deletes up to 500 dead letters; which ones, `ReplayDeadLetters` says. */
    DiscardDeadLetters: command({
      input: deadLetterFilter,
      onlyIf: activeAdmin,
      // A delivery becomes a dead letter without an event, so no commit would notice that a replica lacks one.
      readsPrimary: true,
      handle: (filter, tx, details) =>
        changeDeadLetters(tx, filter, (letters, version) => {
          tx.operations.discard(letters, details.actor);
          tx.record(events.DeadLettersDiscarded.create(events.deadLetterStream.streamId, version, { letters }));
        }),
    }),

    /** Starts a rebuild of a read model from the event log. */
    StartRebuild: command({
      input: startRebuild,
      onlyIf: activeAdmin,
      handle({ view }, tx, { actor, at, issuedAt }) {
        readModelNamed(views, view);
        const id = newId();
        tx.operations.addRebuild({ id, view, startedAt: at }, issuedAt, actor);
        tx.record(events.RebuildStarted.create(id, 1, { view }));
        return { id, version: 1 };
      },
    }),

    /** Marks a document to be projected; it is projected after the commit, before the response. */
    RequestProjection: command({
      input: requestProjection,
      onlyIf: activeAdmin,
      handle({ view, key }, tx, { actor, at, issuedAt }) {
        const id = newId();
        const wanted = { view: readModelNamed(views, view).id, key };
        tx.operations.markKey(wanted, issuedAt, actor);
        tx.record(events.ProjectionRequested.create(id, 1, { ...wanted, markedAt: at }));
        return { id, version: 1 };
      },
    }),

    CancelRebuild: command({
      input: cancelRebuildInput,
      onlyIf: activeAdmin,
      handle: ({ rebuildId }, tx, details) => cancel(tx, rebuildId, details),
    }),
  };
}

export type OperationsCommands = ReturnType<typeof createOperationsCommands>;

async function changeDeadLetters(
  tx: Tx,
  filter: DeadLetterFilter,
  change: (letters: DeadLetter[], version: number) => void,
) {
  const { position, subscription, letters: named } = filter;
  const isNamed = position !== undefined || named !== undefined;
  // All of them are those of the system: a second e-mail to addresses that do not take it would only do harm.
  const fault = filter.fault ?? (isNamed ? undefined : 'system');
  const found = await tx.operations.findDeadLetters({ ...filter, fault }, limits.deadLettersPerCommand);
  const { letters, remaining, version } = found;
  if (letters.length > 0) change(letters, version + 1);
  else if (isNamed) throw operationsErrors.deadLetterNotFound(named?.[0] ?? { position: position ?? 0, subscription });
  return { count: letters.length, remaining, decision: letters.length > 0 ? version + 1 : null };
}

async function cancel(tx: Tx, rebuildId: string, details: Details) {
  const rebuild = await tx.operations.findRebuild(rebuildId);
  if (!rebuild) throw operationsErrors.rebuildNotFound({ rebuildId });
  requireVersion(rebuild.version, details);
  const next = cancelRebuild(rebuild);
  tx.operations.saveCancelled(next, details.actor);
  tx.record(events.RebuildCancelled.create(rebuildId, next.version, { view: next.view }));
  return { id: rebuildId, version: next.version };
}
