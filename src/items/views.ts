import { and, eq, sql } from 'drizzle-orm';
import type { AccountCount } from '../access/account-parts';
import { isWanted } from '../cqrs/reading/keyed-query';
import { type CountedList, everybody, keptCount } from '../cqrs/reading/list-counts';
import { defineListView, everybodyKey, firstPages } from '../cqrs/reading/list-view';
import { keyset, type Slice } from '../cqrs/reading/pages';
import { defineView, when } from '../cqrs/reading/view';
import { OrderCancelled, OrderPlaced } from '../orders/events';
import type { Database } from '../platform/d1';
import { ItemCreated, ItemDeleted, ItemUpdated } from './events';
import { versionWithStock } from './item';
import type { ItemDetail, ItemSummary } from './schemas';
import { items } from './tables';

/** Whether the staff took the item off sale, as `isTakenDown` decides it. Who did it is for the write model alone. */
const takenDown = sql`(${items.isActive} = 0 AND ${items.takenDownBy} IS NOT NULL)`.mapWith(Boolean).as('taken_down');

export const itemView = defineView({
  name: 'item',
  shapeVersion: 2,
  triggers: [
    when([ItemCreated, ItemUpdated, ItemDeleted], (event) => [event.streamId]),
    // Orders change the stock of their items.
    when([OrderPlaced, OrderCancelled], ({ data }) => data.items.map(({ itemId }) => itemId)),
  ],
  query: (db) =>
    db
      // Each column is named, so that a new column of the table does not become public by itself.
      .select({
        id: items.id,
        version: items.version,
        stockVersion: items.stockVersion,
        ownerId: items.ownerId,
        title: items.title,
        description: items.description,
        amount: items.amount,
        currency: items.currency,
        stock: items.stock,
        isActive: items.isActive,
        takenDown,
        createdAt: items.createdAt,
        updatedAt: items.updatedAt,
      })
      .from(items)
      .where(isWanted(items.id)),
  toDocument([row]) {
    if (!row) return undefined;
    const { version, stockVersion, amount, currency, ...rest } = row;
    return {
      version: versionWithStock({ version, stockVersion }),
      data: { ...rest, price: { amount, currency } } satisfies ItemDetail,
    };
  },
});

/** The filters of a list of items. */
export interface ItemFilter {
  owner?: string | undefined;
  isActive?: boolean | undefined;
}

const activity = sql`iif(${items.isActive}, 'true', 'false')`;
export const countedItems: CountedList = {
  name: 'items',
  table: items,
  filter: activity,
  owned: { owner: items.ownerId, filter: activity },
};

/** The cells of a list with this filter; undefined for all of them. */
export function itemCells({ isActive }: ItemFilter): string[] | undefined {
  return isActive === undefined ? undefined : [String(isActive)];
}

const { id, ownerId, title, amount, currency } = items;
const summary = { id, ownerId, title, amount, currency, isActive: items.isActive, takenDown };

/** The query for the pages that no document has. Each filter has an index that ends with the id. */
export function itemListQuery(db: Database, filter: ItemFilter, slice: Slice) {
  const { owner, isActive } = filter;
  const { isAfter, inOrder } = keyset(id, slice);
  return db
    .select({ ...summary, total: keptCount(countedItems, owner ?? everybody, itemCells(filter)).as('total') })
    .from(items)
    .where(
      and(
        owner === undefined ? undefined : eq(ownerId, owner),
        isActive === undefined ? undefined : eq(items.isActive, isActive),
        isAfter,
      ),
    )
    .orderBy(...inOrder)
    .limit(slice.limit);
}

/** The documents of lists that can contain an owner's item. */
const listsOf = (owner: string) => [everybodyKey, owner];

/** The key of the document with the first page of a list. */
export const itemListKey = ({ owner = everybodyKey }: ItemFilter) => owner;

const fieldsInLists = ['title', 'price', 'isActive'];
const pages = firstPages({
  counted: countedItems,
  id,
  columns: [items.isActive],
  cells: [[0], [1]],
  documents: ['everybody', ownerId],
});

export const itemListView = defineListView({
  name: 'item-lists',
  shapeVersion: 1,
  triggers: [
    when([ItemCreated, ItemDeleted], ({ data }) => listsOf(data.ownerId)),
    when([ItemUpdated], ({ data }) =>
      data.fields.some((field) => fieldsInLists.includes(field)) ? listsOf(data.ownerId) : [],
    ),
  ],
  query: (db) =>
    db
      .select({ ...pages.columns, ...summary })
      .from(pages.from)
      .crossJoin(items)
      .where(pages.where),
  toRow: ({ amount, currency, ...row }): ItemSummary => ({ ...row, price: { amount, currency } }),
  cellOf: ({ isActive }) => String(isActive),
});

/** How many items an account sells. */
export const itemCount: AccountCount = {
  count: keptCount(countedItems, sql`users.id`),
  triggers: [when([ItemCreated, ItemDeleted], ({ data }) => [data.ownerId])],
};

export const itemViews = [itemView, itemListView];
