import { and, eq, inArray, sql } from 'drizzle-orm';
import type { CheckedActor } from '../access/caller';
import { ConcurrencyError } from '../cqrs/writing/errors';
import { type AggregateVersion, removeNextRows, type TakenRows } from '../cqrs/writing/owned-rows';
import type { RepositoryContext } from '../cqrs/writing/unit-of-work';
import { limits } from '../platform/limits';
import { defineInsert } from '../platform/prepared';
import { splitByBytes } from '../platform/split';
import { users } from '../users/tables';
import type { Item } from './item';
import { items } from './tables';

/** A number of pieces of an item. */
export interface StockLine {
  itemId: string;
  quantity: number;
}

/** The items of the write model. */
export interface ItemRepository {
  add(item: Item, by: CheckedActor): void;
  /** @param before the item as it was read; the commit fails if the item or its stock has changed since */
  save(item: Item, before: Item, by: CheckedActor): void;
  /** @param item the item as it was read; the commit fails if the item or its stock has changed since */
  remove(item: Item, by: CheckedActor): void;
  /**
   * Deletes the next items of an owner, `most` at most, and returns them. If none is left, the commit fails if an item was
   * created in the meantime.
   */
  removeNextOf(ownerId: string, most: number): Promise<TakenRows<AggregateVersion>>;
  find(id: string): Promise<Item | undefined>;
  /** Finds items for an order in one round trip. Unknown ids are left out, and so are items whose owner's account is deleted. */
  findAll(ids: readonly string[]): Promise<Item[]>;
  /** Takes pieces for an order. The commit fails if an item has too few pieces left by then. */
  takeStock(lines: readonly StockLine[]): void;
  /** Puts pieces back; each item may be on one line only. Items without a stock are unlimited and stay unlimited. */
  returnStock(lines: readonly StockLine[]): void;
  /** Adds the guard that none of these items and no owner was deleted or changed since it was read, the stock left aside. */
  requireUnchanged(items: readonly AggregateVersion[]): void;
}

/** The domain errors behind the constraints of this domain's tables. */
export const itemConstraints = {
  // Another order took the last pieces in the meantime. The next attempt shows which item has too few pieces.
  items_stock: () => new ConcurrencyError(),
};

/** The items of a deleted account are deleted in steps; nobody may buy one of them until then. */
const hasOwner = sql`EXISTS (SELECT 1 FROM ${users} WHERE ${users.id} = ${items.ownerId})`;

const insertItem = defineInsert(items);

type Row = typeof items.$inferSelect;

function toRow({ price, ...item }: Item): Row {
  return { ...item, ...price };
}

function toItem({ amount, currency, ...row }: Row): Item {
  return { ...row, price: { amount, currency } };
}

export function createItemRepository(context: RepositoryContext): ItemRepository {
  const { db, stage, guard } = context;
  /** Each item may be on one line only. The lines of an order have a bound; those of an account's orders have none. */
  function changeStock(lines: readonly StockLine[], sign: 1 | -1): void {
    for (const part of splitByBytes(lines, limits.bytesPerParameter)) {
      stage(
        db.run(sql`
          UPDATE items SET stock = stock + ${sign} * (line.value->>'quantity'), stock_version = stock_version + 1
          FROM json_each(${JSON.stringify(part)}) AS line
          WHERE items.id = line.value->>'itemId' AND items.stock IS NOT NULL`),
      );
    }
  }
  /** Orders change the stock without an event in the item's stream, so the version of that stream is not enough. */
  const requireAsRead = ({ id, version, stockVersion }: Item) =>
    guard(
      sql`EXISTS (SELECT 1 FROM items WHERE id = ${id} AND version = ${version} AND stock_version = ${stockVersion})`,
      () => new ConcurrencyError(),
    );
  return {
    takeStock: (lines) => changeStock(lines, -1),
    returnStock: (lines) => changeStock(lines, 1),
    requireUnchanged(read) {
      const versions = JSON.stringify(read.map(({ id, version }) => ({ id, version })));
      guard(
        sql`(SELECT count(*) FROM json_each(${versions}) AS line
          JOIN items ON items.id = line.value->>'id' AND items.version = line.value->>'version'
          JOIN users ON users.id = items.owner_id) = ${read.length}`,
        () => new ConcurrencyError(),
      );
    },
    find: async (id) => (await db.select().from(items).where(eq(items.id, id))).map(toItem)[0],
    findAll: async (ids) =>
      (
        await db
          .select()
          .from(items)
          .where(and(inArray(items.id, [...ids]), hasOwner))
      ).map(toItem),
    add: (item) => stage(insertItem(db, toRow(item))),
    save(item, before) {
      const row = toRow(item);
      requireAsRead(before);
      // A column that is set costs the entries of its indexes again, also with the same value.
      const old: Record<string, unknown> = toRow(before);
      const changed = Object.fromEntries(Object.entries(row).filter(([name, value]) => value !== old[name]));
      stage(db.update(items).set(changed).where(eq(items.id, item.id)));
    },
    remove(item) {
      requireAsRead(item);
      stage(db.delete(items).where(eq(items.id, item.id)));
    },
    removeNextOf: (ownerId, most) => removeNextRows(context, { table: items, owner: items.ownerId, ownerId }, most),
  };
}
