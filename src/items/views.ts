import { and, eq, sql } from 'drizzle-orm';
import type { AccountCount } from '../access/account-parts';
import { type CountedList, everybody, keptCount } from '../cqrs/reading/list-counts';
import { keyset, type Slice, toListRows } from '../cqrs/reading/pages';
import { defineView, when } from '../cqrs/reading/view';
import { OrderCancelled, OrderPlaced } from '../orders/events';
import type { Database } from '../platform/d1';
import { limits } from '../platform/limits';
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
  query: (db, key) =>
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
      .where(eq(items.id, key)),
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

function itemTotal({ owner = everybody, isActive }: ItemFilter) {
  return keptCount(countedItems, owner, isActive === undefined ? undefined : [String(isActive)]);
}

/** The one query for every list of items. Each filter has an index that ends with the id. */
export function itemListQuery(db: Database, filter: ItemFilter, slice: Slice) {
  const { id, ownerId, title, amount, currency } = items;
  const { owner, isActive } = filter;
  const { isAfter, inOrder } = keyset(id, slice);
  return db
    .select({
      ...{ id, ownerId, title, amount, currency, isActive: items.isActive, takenDown },
      total: itemTotal(filter).as('total'),
    })
    .from(items)
    .where(
      and(
        owner === undefined ? undefined : eq(ownerId, owner),
        isActive === undefined ? undefined : eq(items.isActive, isActive),
        isAfter,
      ),
    )
    .orderBy(inOrder)
    .limit(slice.limit);
}

type SummaryRow = Awaited<ReturnType<typeof itemListQuery>>[number];

function toItemSummary({ amount, currency, ...row }: Omit<SummaryRow, 'total'>): ItemSummary {
  return { ...row, price: { amount, currency } };
}

const any = '*';

/** The key of a list's first page: `owner:activity`, with `*` for a filter that is not set. */
export function itemListKey({ owner, isActive }: ItemFilter): string {
  return `${owner ?? any}:${isActive ?? any}`;
}

function filterOf(key: string): ItemFilter {
  const [owner = any, activity = any] = key.split(':');
  return {
    owner: owner === any ? undefined : owner,
    isActive: activity === any ? undefined : activity === 'true',
  };
}

/** The keys of the lists that can contain an owner's item while its `isActive` has one of these values. */
function listsOf(ownerId: string, activities = [true, false]): string[] {
  return [undefined, ownerId].flatMap((owner) =>
    [undefined, ...activities].map((isActive) => itemListKey({ owner, isActive })),
  );
}

const fieldsInLists = ['title', 'price', 'isActive'];

export const itemListView = defineView({
  name: 'item-list',
  shapeVersion: 2,
  triggers: [
    when([ItemCreated], (event) => listsOf(event.data.ownerId, [true])),
    when([ItemDeleted], (event) => listsOf(event.data.ownerId)),
    when([ItemUpdated], ({ data }) =>
      data.fields.some((field) => fieldsInLists.includes(field)) ? listsOf(data.ownerId) : [],
    ),
  ],
  query: (db, key) => itemListQuery(db, filterOf(key), { limit: limits.firstPageSize }),
  toDocument: (rows) => ({ version: 0, data: toListRows(rows, toItemSummary) }),
});

/** How many items an account sells. */
export const itemCount: AccountCount = {
  count: keptCount(countedItems, sql`users.id`),
  triggers: [when([ItemCreated, ItemDeleted], ({ data }) => [data.ownerId])],
};

export const itemViews = [itemView, itemListView];
