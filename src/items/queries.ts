import type { Reader } from '../access/reader';
import type { ListRequest } from '../cqrs/reading/page-request';
import { requireDocument } from '../cqrs/reading/read-models';
import { itemErrors } from './errors';
import { type ItemFilter, itemCells, itemListKey, itemListQuery, itemListView, itemView } from './views';

/** The queries on the catalogue of items, which is public. */
export function createItemQueries(reader: Reader) {
  return {
    async GetItem({ id }: { id: string }) {
      return requireDocument(await reader.publicRead(itemView, id), () => itemErrors.notFound({ itemId: id }));
    },

    /** Lists items. The filters are the owner, and whether an item is for sale. */
    ListItems: ({ owner, isActive, ...page }: ItemFilter & ListRequest) =>
      reader.publicList({
        view: itemListView,
        key: itemListKey({ owner }),
        cells: itemCells({ isActive }),
        page,
        query: (db, slice) => itemListQuery(db, { owner, isActive }, slice),
      }),
  };
}

export type ItemQueries = ReturnType<typeof createItemQueries>;
