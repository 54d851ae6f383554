import type { EventDefinition, RecordedEvent } from '../cqrs/log/event';
import { isWanted } from '../cqrs/reading/keyed-query';
import { defineView, type View, when } from '../cqrs/reading/view';
import type { KeyTable } from './access-repository';
import type { Scope } from './scopes';

/** An API key as requests are checked by it. */
export interface KnownKey {
  id: string;
  /** A keyed hash of the key's text. */
  hash: string;
  scopes: readonly Scope[];
  /** Milliseconds; null for a key that does not expire. */
  expiresAt: number | null;
}

/** The API keys of an account. */
export interface KnownKeys {
  keys: readonly KnownKey[];
}

/**
 * The read model by which requests with API keys are checked: one document for each account that has keys. Its key is the
 * account, so that a request reads it together with the access document.
 * @param changed the events that create or revoke a key; their commands project the document inline
 * @param accountDeleted the event that deletes an account with its keys
 */
export function defineKeyView(
  table: KeyTable,
  changed: readonly EventDefinition<string, { userId: string }>[],
  accountDeleted: EventDefinition,
): View<KnownKeys> {
  const { id, userId, hash, scopes, expiresAt } = table;
  return defineView({
    name: 'api-keys',
    shapeVersion: 1,
    triggers: [
      when(changed, ({ data }: RecordedEvent<string, { userId: string }>) => [data.userId]),
      when([accountDeleted], ({ streamId }) => [streamId]),
    ],
    inlineOn: changed,
    keyColumn: 'user_id',
    query: (db) => db.select({ id, userId, hash, scopes, expiresAt }).from(table).where(isWanted(userId)).orderBy(id),
    toDocument(rows) {
      if (rows.length === 0) return undefined;
      // The query selects the columns that KeyTable names, so each row is a key.
      return { version: 0, data: { keys: rows.map(({ userId: _, ...key }) => key as KnownKey) } };
    },
  });
}
