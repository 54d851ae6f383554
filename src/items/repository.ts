import { eq, inArray, sql } from 'drizzle-orm';
import type { RepositoryContext } from '../cqrs/writing/d1-unit-of-work';
import type { Actor } from '../cqrs/writing/unit-of-work';
import { runBatch } from '../platform/d1';
import { ConcurrencyError, DomainError } from '../platform/errors';
import { type OwnedRow, takeOwned } from '../users/owned';
import { standingQuery, validActorId } from '../users/standing';
import type { AccountStanding } from '../users/user';
import type { Item } from './item';
import { items } from './tables';

/** Pieces of an item; items without a stock are unlimited and stay so. */
export interface StockLine {
  itemId: string;
  quantity: number;
}

/** The items of the write model. */
export interface ItemRepository {
  /** Adds an item of the actor, whose standing the commit itself checks. */
  add(item: Item, actor: Actor): void;
  /** @param before the item as it was read */
  save(item: Item, before: Item): void;
  remove(item: Item): void;
  /** Takes all items of an owner, to be deleted in this commit: one that is created meanwhile refuses it. */
  removeOf(ownerId: string): Promise<OwnedRow[]>;
  /** One round trip; unknown ids are left out. */
  findAll(ids: readonly string[]): Promise<Item[]>;
  /** Takes what an order asks for; too little of it refuses the commit with `orders.out-of-stock`. */
  takeStock(lines: readonly StockLine[]): void;
  returnStock(lines: readonly StockLine[]): void;
  /** The item together with the actor's standing, in one round trip. */
  findFor(id: string, actor: Actor): Promise<{ item: Item | undefined; standing: AccountStanding | undefined }>;
}

/** The domain errors behind the constraints of this domain's tables. */
export const itemConstraints = {
  items_stock: () => new DomainError('conflict', 'orders.out-of-stock', 'There is not enough left of an item.'),
  // An order changed the stock meanwhile: fresh state will say so.
  items_stock_version: () => new ConcurrencyError(),
  'items.version': () => new ConcurrencyError(),
  'items.owner_id': () =>
    new DomainError('unauthenticated', 'auth.invalid-token', 'The access token is no longer valid.'),
};

type Row = typeof items.$inferSelect;

function toRow({ price, ...item }: Item): Row {
  return { ...item, ...price };
}

function toItem({ amount, currency, ...row }: Row): Item {
  return { ...row, price: { amount, currency } };
}

export function createItemRepository(context: RepositoryContext): ItemRepository {
  const { db, stage } = context;
  const moveStock = (lines: readonly StockLine[], sign: 1 | -1) =>
    stage(
      db.run(sql`
        UPDATE items SET stock = stock + ${sign} * (line.value->>'quantity'), stock_version = stock_version + 1
        FROM json_each(${JSON.stringify(lines)}) AS line
        WHERE items.id = line.value->>'itemId' AND items.stock IS NOT NULL`),
    );
  return {
    takeStock: (lines) => moveStock(lines, -1),
    returnStock: (lines) => moveStock(lines, 1),
    findAll: async (ids) =>
      (
        await db
          .select()
          .from(items)
          .where(inArray(items.id, [...ids]))
      ).map(toItem),
    add: (item, actor) => stage(db.insert(items).values({ ...toRow(item), ownerId: validActorId(actor) })),
    save(item, before) {
      const { id, stock, stockVersion, ...values } = toRow(item);
      // Orders take stock meanwhile: it is written only when it was changed, and only over what was read.
      const guarded = sql<number>`CASE WHEN ${items.stockVersion} = ${before.stockVersion} THEN ${stockVersion} ELSE -1 END`;
      const changed = stockVersion === before.stockVersion ? {} : { stock, stockVersion: guarded };
      stage(
        db
          .update(items)
          .set({ ...values, ...changed })
          .where(eq(items.id, id)),
      );
    },
    remove: ({ id }) => stage(db.delete(items).where(eq(items.id, id))),
    async removeOf(ownerId) {
      const taken = await takeOwned(context, items, items.ownerId, ownerId);
      stage(db.delete(items).where(eq(items.ownerId, ownerId)));
      return taken;
    },
    async findFor(id, actor) {
      const [rows, standings] = await runBatch(db, [
        db.select().from(items).where(eq(items.id, id)),
        standingQuery(db, actor),
      ]);
      return { item: rows[0] && toItem(rows[0]), standing: standings[0] };
    },
  };
}
