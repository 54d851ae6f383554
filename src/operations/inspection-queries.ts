import { requireAdmin } from '../access/caller';
import type { Reader } from '../access/reader';
import type { EventCatalogue, NewEvent, RecordedEvent, Subscription } from '../cqrs/log/event';
import type { InspectableDocuments } from '../cqrs/reading/document-store';
import type { PageRequest } from '../cqrs/reading/page-request';
import type { View } from '../cqrs/reading/view';
import type { Clock, Wait } from '../platform/clock';
import { findGroups } from './dead-letter-groups';
import { findDeadLetter } from './dead-letters';
import { findDecision } from './decisions';
import { operationsErrors } from './errors';
import { findEvent } from './event-detail';
import { inspectKey } from './inspected-key';
import { findQueues, type MeasuredQueue } from './queue-backlogs';
import { readModelNamed } from './read-model-named';
import { findRechecks } from './rechecks';
import { findTasks } from './schedule-runs';

export interface InspectionServices {
  clock: Clock;
  documents: InspectableDocuments;
  epoch: string;
  eventCatalogue: EventCatalogue;
  /** The queues by their names. */
  queues: Readonly<Record<string, MeasuredQueue>>;
  /** The subscriptions that receive an event. */
  subscriptionsOf(event: NewEvent): readonly Subscription[];
  /** The requests whose events an event causes later: the names that the background gives them. */
  laterRequestsOf(event: RecordedEvent): readonly string[];
  views: readonly View[];
  wait: Wait;
}

/** The queries with which admins look into one thing. They read D1's primary, as all queries of operators do. */
export function createInspectionQueries(reader: Reader, services: InspectionServices) {
  const { clock, documents, epoch, eventCatalogue: catalogue, views } = services;

  async function openForAdmin() {
    const { actor, db } = await reader.openPrimary();
    requireAdmin(actor);
    return db;
  }

  return {
    /** Reads what KV and the database have of one document, and why it is, or is not, up to date. */
    async GetProjectedKey({ view: name, key }: { view: string; key: string }) {
      const db = await openForAdmin();
      return inspectKey(db, { documents, catalogue, epoch }, readModelNamed(views, name), key, clock.now());
    },

    /** Lists the documents that are projected once more, those first that are due first. */
    async ListRechecks({ view: name, ...page }: PageRequest & { view?: string | undefined }) {
      const db = await openForAdmin();
      return findRechecks(db, name === undefined ? undefined : readModelNamed(views, name).id, page);
    },

    /** Reads an event of the log, with the other events of its command and request, and with what it caused. */
    async GetEvent({ position }: { position: number }) {
      const event = await findEvent(await openForAdmin(), position, { ...services, now: clock.now() });
      if (!event) throw operationsErrors.eventNotFound({ position });
      return event;
    },

    /** Reads the last run of each task of the schedule. */
    GetSchedule: async () => ({ data: await findTasks(await openForAdmin()) }),

    /** Lists what waits in each queue. */
    ListQueues: async () => findQueues(await openForAdmin(), services.queues, clock.now(), services.wait),

    /** Groups the dead letters by subscription and error. */
    ListDeadLetterGroups: async () => findGroups(await openForAdmin()),

    /** Reads what became of the dead letters that were replayed or discarded together. */
    async GetDeadLetterDecision({ decision }: { decision: number }) {
      const found = await findDecision(await openForAdmin(), decision, { catalogue, now: clock.now() });
      if (!found) throw operationsErrors.decisionNotFound({ decision });
      return found;
    },

    /** Reads a dead letter with its event. */
    async GetDeadLetter(id: { position: number; subscription: Subscription }) {
      const letter = await findDeadLetter(await openForAdmin(), id);
      if (!letter) throw operationsErrors.deadLetterNotFound(id);
      return letter;
    },
  };
}

export type InspectionQueries = ReturnType<typeof createInspectionQueries>;
