import { ConcurrencyError } from '../../../src/cqrs/writing/errors';
import type { Item } from '../../../src/items/item';
import type { ItemRepository, StockLine } from '../../../src/items/repository';
import { type MemoryContext, raiseVersionsOf } from './context';
import { find, insert, remove, requireCheck, select, update } from './table';

export function createItemRepository(context: MemoryContext): ItemRepository {
  const { read, stage, guard } = context;
  const moveStock = (lines: readonly StockLine[], sign: 1 | -1) =>
    stage(({ items }) => {
      for (const { itemId, quantity } of lines) {
        const item = items.get(itemId);
        if (item === undefined || item.stock === null) continue;
        const stock = item.stock + sign * quantity;
        requireCheck('items_stock', stock >= 0);
        update(items, itemId, { stock, stockVersion: item.stockVersion + 1 });
      }
    });
  const requireAsRead = ({ id, version, stockVersion }: Item) =>
    guard(
      ({ items }) => items.get(id)?.version === version && items.get(id)?.stockVersion === stockVersion,
      () => new ConcurrencyError(),
    );
  return {
    takeStock: (lines) => moveStock(lines, -1),
    returnStock: (lines) => moveStock(lines, 1),
    requireUnchanged: (read) =>
      guard(
        ({ items }) => read.every(({ id, version }) => items.get(id)?.version === version),
        () => new ConcurrencyError(),
      ),
    find: async (id) => find(read().items, id),
    findAll: async (ids) => select(read().items, ({ id }) => ids.includes(id)),
    add: (item) => stage((next) => insert(next.items, 'items.id', item.id, item)),
    save(item, before) {
      requireAsRead(before);
      stage((next) => update(next.items, item.id, item));
    },
    remove(item) {
      requireAsRead(item);
      stage((next) => remove(next.items, ({ id }) => id === item.id));
    },
    async removeAllOf(ownerId) {
      const isOwned = (item: Item) => item.ownerId === ownerId;
      const removed = raiseVersionsOf(context, ({ items }) => items, isOwned);
      stage((next) => remove(next.items, isOwned));
      return removed;
    },
  };
}
