import { requireStaff } from '../access/caller';
import type { Reader } from '../access/reader';
import { everybodyKey } from '../cqrs/reading/list-view';
import type { ListRequest } from '../cqrs/reading/page-request';
import { requireDocument } from '../cqrs/reading/read-models';
import { userErrors } from './errors';
import { requireReadable } from './user';
import { settingsView, type UserView, userListQuery, userListView } from './views';

/** The queries on accounts and their settings. */
export function createUserQueries(reader: Reader, userView: UserView) {
  /** Reads an account, for the account itself and for agents and admins. */
  async function GetUser({ id }: { id: string }) {
    const { actor, result } = await reader.read(userView, id);
    requireReadable(actor, id);
    return requireDocument(result, () => userErrors.notFound({ userId: id }));
  }

  return {
    GetUser,

    /** Reads the account of the caller. */
    GetOwnUser: async () => GetUser({ id: reader.caller().userId }),

    /** Lists all accounts, or those of these ids, for agents and admins. */
    async ListUsers({ ids, ...page }: ListRequest & { ids?: readonly string[] | undefined }) {
      const { page: found } = await reader.readList({
        view: userListView,
        key: ids ? undefined : everybodyKey,
        page,
        query: (db, slice) => userListQuery(db, slice, ids),
        authorize: requireStaff,
      });
      return found;
    },

    /** Reads the settings of an account, for the account itself and for agents and admins. */
    async GetSettings({ id }: { id: string }) {
      const { actor, result } = await reader.read(settingsView, id);
      requireReadable(actor, id);
      return requireDocument(result, () => userErrors.notFound({ userId: id }));
    },
  };
}

export type UserQueries = ReturnType<typeof createUserQueries>;
