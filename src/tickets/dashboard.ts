import { sql } from 'drizzle-orm';
import { wantedKeys } from '../cqrs/reading/keyed-query';
import { defineView, when } from '../cqrs/reading/view';
import { limits } from '../platform/limits';
import { TicketDeleted, TicketOpened, TicketReopened, TicketStatusChanged } from './events';
import type { TicketDashboard } from './schemas';
import { staffTotal } from './staff-views';
import { ticketStatuses } from './ticket-status';

const countsByStatus = sql`json_object(${sql.join(
  ticketStatuses.map((status) => sql`${status}, ${staffTotal({ status })}`),
  sql`, `,
)})`;

const days = 30;
const dayMs = 86_400_000;

/** The part of the dashboard that does not depend on the time of the read. */
interface DashboardFigures {
  counts: Record<string, number>;
  /** The last days on which tickets were opened, reopened or closed, newest first. */
  days: { date: string; opened: number; reopened: number; closed: number }[];
  oldestOpenAt: string | null;
  medianTriageSeconds: number | null;
}

/** The one key of the dashboard. */
export const dashboardKey = 'all';

/** The median of the 1,000 tickets that were triaged last, so that the cost of the query has a limit. */
const medianTriage = sql`
  SELECT avg(triage_seconds) FROM (
    SELECT triage_seconds, row_number() OVER (ORDER BY triage_seconds) AS place, count(*) OVER () AS total
    FROM (SELECT triage_seconds FROM tickets WHERE triaged_at IS NOT NULL ORDER BY triaged_at DESC LIMIT 1000))
  WHERE place IN ((total + 1) / 2, (total + 2) / 2)`;

const latestDays = sql<string>`(
  SELECT json_group_array(json_object('date', date, 'opened', opened, 'reopened', reopened, 'closed', closed))
  FROM (SELECT * FROM ticket_days ORDER BY date DESC LIMIT ${days}))`;

const oldestOpen = sql<string | null>`(SELECT created_at FROM tickets WHERE status = 'open' ORDER BY id LIMIT 1)`;

/** The figures of the support desk. Counts and days are kept, so that the query does not count rows. */
export const dashboardView = defineView({
  name: 'ticket-dashboard',
  shapeVersion: 3,
  restMs: limits.dashboardRestMs,
  triggers: [when([TicketOpened, TicketStatusChanged, TicketReopened, TicketDeleted], () => [dashboardKey])],
  keyColumn: 'key',
  query: (db) =>
    db
      .select({
        key: sql<string>`wanted.value`.as('key'),
        counts: sql<string>`${countsByStatus}`.as('counts'),
        days: latestDays.as('days'),
        oldestOpenAt: oldestOpen.as('oldest_open_at'),
        medianTriageSeconds: sql<number | null>`(${medianTriage})`.as('median_triage_seconds'),
      })
      .from(sql`json_each(${wantedKeys}) AS wanted`)
      // An operator may ask for any key: no event would keep the document of another one up to date.
      .where(sql`wanted.value = ${dashboardKey}`),
  toDocument([row]): { version: number; data: DashboardFigures } | undefined {
    if (!row) return undefined;
    const { key: _, counts, days, ...rest } = row;
    return { version: 0, data: { ...rest, counts: JSON.parse(counts), days: JSON.parse(days) } };
  },
});

/** Makes the dashboard for the time `now` (milliseconds): the last 30 days in UTC with today, and the waiting times. */
export function presentDashboard(figures: DashboardFigures | undefined, now: number): TicketDashboard {
  const known = new Map(figures?.days.map((day) => [day.date, day]));
  const { open = 0, triaged = 0, closed = 0 } = figures?.counts ?? {};
  const oldestOpenAt = figures?.oldestOpenAt ?? null;
  const median = figures?.medianTriageSeconds ?? null;
  return {
    counts: { open, triaged, closed },
    days: Array.from({ length: days }, (_, index) => {
      const date = new Date(now - (days - 1 - index) * dayMs).toISOString().slice(0, 10);
      return known.get(date) ?? { date, opened: 0, reopened: 0, closed: 0 };
    }),
    oldestOpenAt,
    oldestOpenSeconds: oldestOpenAt === null ? null : Math.max(0, Math.floor((now - Date.parse(oldestOpenAt)) / 1000)),
    medianTriageSeconds: median === null ? null : Math.round(median),
  };
}
