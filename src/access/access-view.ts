import type { EventDefinition } from '../cqrs/log/event';
import { isWanted } from '../cqrs/reading/keyed-query';
import { defineView, type View, when } from '../cqrs/reading/view';
import type { AccountTable } from './access-repository';
import type { AccountStatus } from './caller';

/**
 * The read model by which every authenticated query checks its caller: one small document for each account.
 * @param accounts the table of accounts
 * @param created the event that creates an account
 * @param changed the events that change which tokens are valid; their commands project the document inline
 */
export function defineAccessView(
  accounts: AccountTable,
  created: EventDefinition,
  changed: readonly EventDefinition[],
): View<AccountStatus> {
  const { id, role, isActive, tokenGeneration } = accounts;
  return defineView({
    name: 'access',
    shapeVersion: 2,
    triggers: [when([created, ...changed], (event) => [event.streamId])],
    inlineOn: changed,
    query: (db) => db.select({ id, role, isActive, tokenGeneration }).from(accounts).where(isWanted(id)),
    toDocument([row]) {
      if (!row) return undefined;
      // The query selects the columns that AccountTable names, so the row is an account status. The account's version is
      // left out, because events that do not touch this document raise it.
      return { version: 0, data: row as AccountStatus };
    },
  });
}
