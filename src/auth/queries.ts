import * as z from 'zod';
import type { Reader } from '../access/reader';
import { decodeCursor, type PageRequest } from '../cqrs/reading/page-request';
import { toPage } from '../cqrs/reading/pages';
import { uuid } from '../platform/uuid';
import { findOpenSessions } from './open-sessions';
import { requireOwnSessions } from './session';

const sessionCursor = z.tuple([uuid]);

/** The queries on sessions. */
export function createAuthQueries(reader: Reader) {
  return {
    /**
     * Lists the open sessions of an account, newest first, for the account itself and for admins. It reads D1's primary: who
     * looks for a session of a stranger needs the truth.
     */
    async ListSessions({ userId, cursor, limit }: PageRequest & { userId: string }) {
      const { actor, db } = await reader.openPrimary();
      requireOwnSessions(actor, userId);
      const before = cursor === undefined ? undefined : decodeCursor(cursor, sessionCursor)[0];
      const found = await findOpenSessions(db, userId, before, limit + 1);
      const { sessionId } = reader.caller();
      const rows = found.map((session) => ({ ...session, isCurrent: session.id === sessionId }));
      return toPage(rows, limit, ({ id }) => [id]);
    },
  };
}

export type AuthQueries = ReturnType<typeof createAuthQueries>;
