import { base64url } from 'jose';
import * as z from 'zod';
import { defineError } from '../../platform/errors';
import { limits } from '../../platform/limits';
import { uuid } from '../../platform/uuid';

export const pageErrors = {
  invalidCursor: defineError({
    code: 'http.invalid-cursor',
    kind: 'bad-request',
    meaning: 'The cursor does not belong to this list.',
    remedy: 'Use the `nextCursor` of this list’s last page unchanged, or start again without a cursor.',
    text: () => 'The cursor does not belong to this list. Use the nextCursor of its last page, or start without one.',
  }),
};

/** How many rows a page may have: decimal digits, because `Number` would also read ` 5`, `0x5` and `1e1`. */
export function pageLimit(most: number, usual: number) {
  return z
    .string()
    .regex(/^\d{1,9}$/, 'must be a whole number in decimal digits')
    .transform(Number)
    .pipe(z.int().min(1).max(most))
    .default(usual)
    .meta({ type: 'integer', pattern: undefined, minimum: 1, maximum: most });
}

/** The parameters of every list: a `limit` from 1 to 100, and the `cursor` that the previous page returned. */
export const pageRequest = z.object({
  // The usual page is the one that documents have.
  limit: pageLimit(limits.longestPage, limits.firstPageSize - 1),
  cursor: z.string().min(1).max(512).optional(),
});
export type PageRequest = z.infer<typeof pageRequest>;

const orders = ['newest', 'oldest'] as const;
export type Order = (typeof orders)[number];

/** The parameters of a list that can also begin with its oldest row. */
export const listRequest = pageRequest.extend({
  order: z.enum(orders).default('newest').meta({ description: 'Which rows come first.' }),
});
export interface ListRequest extends PageRequest {
  order?: Order | undefined;
  sort?: Sort | undefined;
}

const sorts = ['created', 'updated'] as const;
/** What makes a row new: when it was created, which the ids (UUIDv7) say, or when it was last active. */
export type Sort = (typeof sorts)[number];

/** The parameters of a list that can also be sorted by the last activity of its rows. */
export const sortedListRequest = listRequest.extend({
  sort: z
    .enum(sorts)
    .default('created')
    .meta({ description: 'What makes a row new: its creation or its last activity.' }),
});

/** Whether this is the first page, with the newest row first. */
export function isFirstPage({ cursor, order = 'newest' }: ListRequest): boolean {
  return cursor === undefined && order === 'newest';
}

/** Whether the document of a list has this page, and one row more that shows whether another page follows. */
export function isInDocument(page: ListRequest): boolean {
  return isFirstPage(page) && page.limit < limits.firstPageSize;
}

/** A keyset cursor, opaque to clients: the sort key of the page's last row. */
export function encodeCursor(key: readonly unknown[]): string {
  return base64url.encode(JSON.stringify(key));
}

/** @throws DomainError `http.invalid-cursor` for a text that is not a cursor of this list */
export function decodeCursor<Key>(cursor: string, schema: z.ZodType<Key>): Key {
  try {
    return schema.parse(JSON.parse(new TextDecoder().decode(base64url.decode(cursor))));
  } catch (cause) {
    throw pageErrors.invalidCursor({}, { cause });
  }
}

/** The fields of a row by which lists are sorted. Only lists with the parameter `sort` need `updatedAt`. */
export interface SortedRow {
  id: string;
  updatedAt?: string;
}

/** The place after which a page begins: that of the last row of the page before. */
export interface Place {
  /** The id of the last row. */
  after: string;
  /** In a list that is sorted by the last activity: the time of the last row's. */
  afterUpdatedAt?: string | undefined;
}

/** How the cursors of one order and one sort are made and read. */
export interface CursorFormat {
  keyOf(row: SortedRow): unknown[];
  schema: z.ZodType<Place>;
}

/** A time in the one form in which it is stored, because other forms have another place in the order of texts. */
const storedTime = z.iso.datetime({ precision: 3 });

const byActivity = (order: Order): CursorFormat => ({
  keyOf: ({ id, updatedAt }) => [updatedAt, id, 'updated', order],
  schema: z
    .tuple([storedTime, uuid, z.literal('updated'), z.literal(order)])
    .transform(([afterUpdatedAt, after]) => ({ after, afterUpdatedAt })),
});

/** Each sort and order has cursors of its own. Those of `newest` by creation are as they were before there was another one. */
export const cursors: Readonly<Record<Sort, Readonly<Record<Order, CursorFormat>>>> = {
  created: {
    newest: { keyOf: ({ id }) => [id], schema: z.tuple([uuid]).transform(([after]) => ({ after })) },
    oldest: {
      keyOf: ({ id }) => [id, 'oldest'],
      schema: z.tuple([uuid, z.literal('oldest')]).transform(([after]) => ({ after })),
    },
  },
  updated: { newest: byActivity('newest'), oldest: byActivity('oldest') },
};

/** The comparison of two rows for a list that begins with the newest one. */
export function newestFirst(sort: Sort): (one: SortedRow, other: SortedRow) => number {
  const keyOf = ({ id, updatedAt }: SortedRow) => (sort === 'updated' ? `${updatedAt} ${id}` : id);
  return (one, other) => (keyOf(one) < keyOf(other) ? 1 : -1);
}
