import { requireAdmin } from '../access/caller';
import type { Reader } from '../access/reader';
import type { Origin } from '../cqrs/log/envelope';
import type { EventCatalogue } from '../cqrs/log/event';
import { type SliceRow, sliceOfLog } from '../cqrs/log/event-log';
import type { Freshness } from '../cqrs/reading/read-models';
import type { Clock, Wait } from '../platform/clock';
import { limits } from '../platform/limits';
import { feedErrors } from './errors';
import { toFeedPage } from './feed';
import type { FeedPage, FeedRequest } from './schemas';

export interface FeedServices {
  clock: Clock;
  wait: Wait;
  eventCatalogue: EventCatalogue;
  /** What this installation says about itself in each event. */
  origin: Origin;
}

/** The pauses between two looks at the end of the log while a request waits for news: each is half as long again, up to 3 s. */
const firstPauseMs = 400;
const longestPauseMs = 3_000;

/** The query for consumers that build read models of their own. */
export function createFeedQueries(reader: Reader, { clock, wait, eventCatalogue, origin }: FeedServices) {
  /** The names in the log of the wanted types. @throws DomainError `events.unknown-type` (400) */
  function requireTypes(types: readonly string[]): string[] {
    const names = types.map((type) => type.trim().replace(/^frontdesk\./, ''));
    if (names.every((name) => eventCatalogue.has(name))) return names;
    throw feedErrors.unknownType({ catalogue: '/v1/events/catalogue' }, { pointer: '/types' });
  }

  return {
    /**
     * Reads the events after a position, in order, for admins. Where there are none, it looks for news for `wait` seconds.
     * @param isGone whether the client has gone away, so that nobody waits for news any more
     * @throws DomainError `events.other-epoch`, `events.unknown-position`, `events.unknown-type`, `events.unreadable`
     */
    async ReadEvents(
      {
        after,
        epoch,
        types,
        limit,
        wait: waitSeconds,
      }: Omit<FeedRequest, 'types'> & { types?: readonly string[] | undefined },
      isGone: () => boolean = () => false,
    ): Promise<FeedPage & { freshness: Freshness }> {
      const names = types && requireTypes(types);
      const searched = names && limits.positionsPerFeedPage;
      const only = names && { types: names, positions: limits.positionsPerFeedPage };
      const until = clock.now() + waitSeconds * 1000;
      const openRows = (isFresh: boolean) => reader.openRows({ authorize: requireAdmin, isFresh });
      let read = openRows(false);

      async function look(from: number) {
        const query = async () => {
          const { rows, freshness } = await read((db) => sliceOfLog(db, { after: from, limit, only }));
          // The statement selects these columns, and one row at least.
          const slice = rows as SliceRow[];
          return { slice, end: slice[0]?.end ?? 0, freshness };
        };
        let found = await query();
        if (found.end < from) {
          // The replica does not know the checkpoint yet, and its end says nothing about what comes after it.
          read = openRows(true);
          found = await query();
        }
        if (epoch !== undefined && epoch !== origin.epoch) throw feedErrors.otherEpoch({ epoch: origin.epoch });
        if (found.end < from) throw feedErrors.unknownPosition({ after: from, end: found.end });
        const page = toFeedPage(found.slice, { after: from, limit, searched }, eventCatalogue, origin);
        return { ...page, freshness: found.freshness };
      }

      let page = await look(after);
      for (let pause = firstPauseMs; page.isUpToDate; pause = Math.min(pause * 1.5, longestPauseMs)) {
        const left = until - clock.now();
        if (page.data.length > 0 || left <= 0 || isGone()) break;
        await wait(Math.min(pause, left));
        page = await look(page.nextAfter);
      }
      return page;
    },
  };
}

export type FeedQueries = ReturnType<typeof createFeedQueries>;
