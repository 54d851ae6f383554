import * as z from 'zod';
import { requireAdmin } from '../access/caller';
import type { Reader } from '../access/reader';
import type { EventCatalogue, Subscription } from '../cqrs/log/event';
import { subscriptions } from '../cqrs/log/event';
import type { EventFilter } from '../cqrs/log/event-log';
import type { DocumentStore } from '../cqrs/reading/document-store';
import { decodeCursor, encodeCursor, type PageRequest } from '../cqrs/reading/page-request';
import { type Page, toPage } from '../cqrs/reading/pages';
import type { View } from '../cqrs/reading/view';
import type { Clock, Wait } from '../platform/clock';
import type { Metric } from '../platform/metrics';
import { findAuditEvents } from './audit-trail';
import { type DeadLetterQuery, findDeadLetters } from './dead-letters';
import { findWaiting } from './deliveries';
import { findErasures } from './erasures';
import { operationsErrors } from './errors';
import { presentEventCatalogue, presentEventSchema } from './event-catalogue';
import { findFiguresInTime } from './figures';
import { toMetrics } from './metrics';
import { findProjections } from './projection-status';
import { checkReadiness } from './readiness';
import { findRebuild, findRebuilds, presentRebuild } from './rebuilds';
import type { AuditEvent, DeadLetter, WaitingDelivery } from './schemas';

const deliveryCursor = z.tuple([z.int(), z.enum(subscriptions)]);
const eventCursor = z.tuple([z.int()]);

export interface OperationsQueryServices {
  clock: Clock;
  database: D1Database;
  documents: DocumentStore;
  wait: Wait;
  views: readonly View[];
  /** The acceptable lag of the read models. */
  lagTargetSeconds: number;
  eventCatalogue: EventCatalogue;
  /** The figures of the isolate that answers. */
  isolateMetrics(): Metric[];
}

/**
 * The queries of operators. All but readiness and the events' catalogue are for admins, and the metrics for monitors too. They
 * read D1's primary, because
 * an operator needs correct data also when KV is wrong.
 */
export function createOperationsQueries(reader: Reader, services: OperationsQueryServices) {
  const { clock, eventCatalogue, lagTargetSeconds, views } = services;

  async function openForAdmin() {
    const { actor, db } = await reader.openPrimary();
    requireAdmin(actor);
    return db;
  }

  return {
    /** Reads whether the system can do its work, and its issues; this query is public. */
    GetReadiness: () => checkReadiness(services),

    /** Reads the types of events that other teams can receive; this query is public. */
    GetEventCatalogue: () => presentEventCatalogue(eventCatalogue),

    /** Reads the JSON Schema of a version of an event's data; this query is public. */
    GetEventSchema: ({ type, version }: { type: string; version: number }) =>
      presentEventSchema(eventCatalogue, type, version),
    /** Reads the figures of the system and of the isolate that answers, for an admin or a monitor. */
    async GetMetrics() {
      if (!reader.isMonitor()) await openForAdmin();
      const figures = await findFiguresInTime(services.database, clock.now());
      return { figures, metrics: [...toMetrics(figures, lagTargetSeconds), ...services.isolateMetrics()] };
    },

    /** Reads the progress of each read model. */
    ListProjections: async () => findProjections(await openForAdmin(), views, clock.now(), lagTargetSeconds),

    /** Lists the latest rebuilds, newest first. */
    ListRebuilds: async () => ({ data: (await findRebuilds(await openForAdmin())).map(presentRebuild) }),

    /** Lists the erasures of what deleted accounts owned, those first that have waited longest for progress. */
    ListErasures: async () => ({ data: await findErasures(await openForAdmin()) }),

    async GetRebuild({ id }: { id: string }) {
      const rebuild = await findRebuild(await openForAdmin(), id);
      if (!rebuild) throw operationsErrors.rebuildNotFound({ rebuildId: id });
      return presentRebuild(rebuild);
    },

    /** Lists the deliveries that are neither done nor dead, oldest first. */
    async ListWaitingDeliveries(
      request: PageRequest & { subscription?: Subscription | undefined },
    ): Promise<Page<WaitingDelivery>> {
      const { subscription, cursor, limit } = request;
      const after = cursor === undefined ? undefined : decodeCursor(cursor, deliveryCursor);
      const waiting = await findWaiting(await openForAdmin(), { subscription, after }, limit + 1);
      return toPage(waiting, limit, (delivery) => [delivery.position, delivery.subscription]);
    },

    /** Lists dead letters, newest first. */
    async ListDeadLetters(request: PageRequest & Omit<DeadLetterQuery, 'before'>): Promise<Page<DeadLetter>> {
      const { cursor, limit, ...filter } = request;
      const before = cursor === undefined ? undefined : decodeCursor(cursor, deliveryCursor);
      const letters = await findDeadLetters(await openForAdmin(), { ...filter, before }, limit + 1);
      return toPage(letters, limit, (letter) => [letter.position, letter.subscription]);
    },

    /** Lists the events of the log, newest first, as the audit trail. */
    async ListEvents({
      cursor,
      limit,
      ...filter
    }: PageRequest & Omit<EventFilter, 'before'>): Promise<Page<AuditEvent>> {
      const before = cursor === undefined ? undefined : decodeCursor(cursor, eventCursor)[0];
      const { events, end } = await findAuditEvents(await openForAdmin(), { ...filter, before }, limit + 1);
      const page = toPage(events, limit, ({ position }) => [position]);
      // A search for a type goes on where it stopped, also if it found nothing so far.
      return end === undefined || page.nextCursor !== null ? page : { ...page, nextCursor: encodeCursor([end]) };
    },
  };
}

export type OperationsQueries = ReturnType<typeof createOperationsQueries>;
