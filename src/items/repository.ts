import { eq, inArray, sql } from 'drizzle-orm';
import type { CheckedActor } from '../access/caller';
import { ConcurrencyError } from '../cqrs/writing/errors';
import { type AggregateVersion, raiseVersionsOf } from '../cqrs/writing/owned-rows';
import type { RepositoryContext } from '../cqrs/writing/unit-of-work';
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
  /** @param before the item as it was read; a new stock is refused if an order has changed the stock since */
  save(item: Item, before: Item, by: CheckedActor): void;
  remove(item: Item, by: CheckedActor): void;
  /** Deletes all items of an owner and returns them. The commit fails if an item was created in the meantime. */
  removeAllOf(ownerId: string): Promise<AggregateVersion[]>;
  find(id: string): Promise<Item | undefined>;
  /** Finds items in one round trip; unknown ids are left out. */
  findAll(ids: readonly string[]): Promise<Item[]>;
  /** Takes pieces for an order. The commit fails if an item has too few pieces left by then. */
  takeStock(lines: readonly StockLine[]): void;
  /** Puts pieces back. Items without a stock are unlimited and stay unlimited. */
  returnStock(lines: readonly StockLine[]): void;
  /** Adds the guard that every one of these items is still for sale. */
  requireForSale(itemIds: readonly string[]): void;
}

/** The domain errors behind the constraints of this domain's tables. */
export const itemConstraints = {
  // Another order took the last pieces in the meantime. The next attempt shows which item has too few pieces.
  items_stock: () => new ConcurrencyError(),
};

type Row = typeof items.$inferSelect;

function toRow({ price, ...item }: Item): Row {
  return { ...item, ...price };
}

function toItem({ amount, currency, ...row }: Row): Item {
  return { ...row, price: { amount, currency } };
}

export function createItemRepository(context: RepositoryContext): ItemRepository {
  const { db, stage, guard } = context;
  const changeStock = (lines: readonly StockLine[], sign: 1 | -1) =>
    stage(
      db.run(sql`
        UPDATE items SET stock = stock + ${sign} * (line.value->>'quantity'), stock_version = stock_version + 1
        FROM json_each(${JSON.stringify(lines)}) AS line
        WHERE items.id = line.value->>'itemId' AND items.stock IS NOT NULL`),
    );
  return {
    takeStock: (lines) => changeStock(lines, -1),
    returnStock: (lines) => changeStock(lines, 1),
    requireForSale(itemIds) {
      const ids = JSON.stringify(itemIds);
      guard(
        sql`(SELECT count(*) FROM items
          WHERE is_active = 1 AND id IN (SELECT value FROM json_each(${ids}))) = ${itemIds.length}`,
        () => new ConcurrencyError(),
      );
    },
    find: async (id) => (await db.select().from(items).where(eq(items.id, id))).map(toItem)[0],
    findAll: async (ids) =>
      (
        await db
          .select()
          .from(items)
          .where(inArray(items.id, [...ids]))
      ).map(toItem),
    add: (item) => stage(db.insert(items).values(toRow(item))),
    save(item, before) {
      const { id, stock, stockVersion, ...values } = toRow(item);
      if (stockVersion === before.stockVersion) return stage(db.update(items).set(values).where(eq(items.id, id)));
      // Orders may have taken stock in the meantime, so a new stock may replace only the stock that was read.
      guard(
        sql`EXISTS (SELECT 1 FROM items WHERE id = ${id} AND stock_version = ${before.stockVersion})`,
        () => new ConcurrencyError(),
      );
      stage(
        db
          .update(items)
          .set({ ...values, stock, stockVersion })
          .where(eq(items.id, id)),
      );
    },
    remove: ({ id }) => stage(db.delete(items).where(eq(items.id, id))),
    async removeAllOf(ownerId) {
      const removed = await raiseVersionsOf(context, items, items.ownerId, ownerId);
      stage(db.delete(items).where(eq(items.ownerId, ownerId)));
      return removed;
    },
  };
}
