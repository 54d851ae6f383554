import { z } from 'zod';
import { subscriptions } from '../cqrs/log/event';
import { defineCommand } from '../cqrs/writing/command';
import { requireVersion } from '../cqrs/writing/expected-version';
import { type CommandContext, requireActor, type Transaction, type UnitOfWork } from '../cqrs/writing/unit-of-work';
import { isoTime } from '../platform/clock';
import { DomainError } from '../platform/errors';
import { newId } from '../platform/ids';
import { requireAdmin, requireValidToken } from '../users/user';
import * as events from './events';
import * as rules from './rebuild';
import type { OperationsRepository } from './repository';

export interface OperationsTransaction {
  operations: OperationsRepository;
}

/** As many letters go into one commit and its event. */
const lettersPerCommand = 500;

// Made once: the services themselves are made for every request.
const startRebuild = z.strictObject({ view: z.string() });
const cancelRebuild = z.strictObject({ rebuildId: z.uuid() });
const meant = z.strictObject({ position: z.int().optional(), subscription: z.enum(subscriptions).optional() });

/** What becomes of dead letters: each is an effect on the deliveries and an event that says which. */
const treatments = {
  replay: {
    event: events.DeadLettersReplayed,
    apply: (tx: Transaction<OperationsTransaction>, letters: Letters, at: number) => tx.operations.replay(letters, at),
  },
  discard: {
    event: events.DeadLettersDiscarded,
    apply: (tx: Transaction<OperationsTransaction>, letters: Letters) => tx.operations.discard(letters),
  },
};

type Letters = Parameters<OperationsRepository['replay']>[0];

/** The commands of those who run the system, each for admins and each in the audit trail. */
export function createOperationsCommands(unitOfWork: UnitOfWork<OperationsTransaction>, viewNames: readonly string[]) {
  const treat = (treatment: keyof typeof treatments) =>
    defineCommand(meant, (filter, context) =>
      unitOfWork.run(context, async (tx) => {
        const actor = requireActor(context);
        const found = await tx.operations.findDeadLetters(filter, lettersPerCommand, actor);
        requireAdmin(requireValidToken(found.standing, actor.issuedAt));
        const { letters, total, version } = found;
        if (letters.length > 0) {
          const { event, apply } = treatments[treatment];
          apply(tx, letters, context.issuedAt);
          tx.record(event.create('all', version + 1, { letters }));
        } else if (filter.position !== undefined) {
          throw new DomainError('not-found', 'dead-letters.not-found', 'There is no such dead letter.');
        }
        return { count: letters.length, remaining: total - letters.length };
      }),
    );

  return {
    ReplayDeadLetters: treat('replay'),
    DiscardDeadLetters: treat('discard'),

    StartRebuild: defineCommand(startRebuild, ({ view }, context) =>
      unitOfWork.run(context, async (tx) => {
        const actor = requireActor(context);
        requireAdmin(requireValidToken(await tx.operations.findStanding(actor), actor.issuedAt));
        if (!viewNames.includes(view)) {
          throw new DomainError('not-found', 'projections.not-found', 'There is no such read model.');
        }
        const id = newId();
        tx.operations.addRebuild({ id, view, startedAt: isoTime(context.issuedAt) }, context.issuedAt);
        tx.record(events.RebuildStarted.create(id, 1, { view }));
        return { id, version: 1 };
      }),
    ),

    CancelRebuild: defineCommand(cancelRebuild, ({ rebuildId }, context) =>
      unitOfWork.run(context, async (tx) => cancel(tx, rebuildId, context)),
    ),
  };
}

async function cancel(tx: Transaction<OperationsTransaction>, id: string, context: CommandContext) {
  const actor = requireActor(context);
  const { rebuild, standing } = await tx.operations.findRebuild(id, actor);
  requireAdmin(requireValidToken(standing, actor.issuedAt));
  if (!rebuild) throw rules.rebuildNotFound();
  requireVersion(rebuild.version, context);
  const next = rules.cancelRebuild(rebuild);
  tx.operations.saveStatus(next);
  tx.record(events.RebuildCancelled.create(id, next.version, { view: next.view }));
  return { id, version: next.version };
}
