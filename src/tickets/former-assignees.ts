import { sql } from 'drizzle-orm';
import { openSession } from '../platform/d1';
import { limits } from '../platform/limits';
import { users } from '../users/tables';
import { tickets } from './tables';

/**
 * Finds accounts that have tickets and may not work on them any more, because they were deactivated or are customers by now. It
 * reads a row of the index for each account that has tickets, however many tickets these are. A deleted account is none of
 * them: its erasure releases its tickets.
 */
export async function findFormerAssignees(database: D1Database): Promise<string[]> {
  const { db } = openSession(database, 'first-primary');
  const found = await db.all<{ id: string }>(sql`
    WITH RECURSIVE assignees (id) AS (
      SELECT min(assignee_id) FROM ${tickets}
      UNION ALL
      SELECT (SELECT min(assignee_id) FROM ${tickets} WHERE assignee_id > assignees.id) FROM assignees WHERE id IS NOT NULL
    )
    SELECT u.id FROM assignees JOIN ${users} AS u ON u.id = assignees.id
    WHERE u.is_active = 0 OR u.role = 'customer' LIMIT ${limits.assigneesReleasedPerRun}`);
  return found.map(({ id }) => id);
}
