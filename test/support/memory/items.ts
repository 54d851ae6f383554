import { ConcurrencyError } from '../../../src/cqrs/writing/errors';
import type { Item } from '../../../src/items/item';
import type { ItemRepository, StockLine } from '../../../src/items/repository';
import { type MemoryContext, takeRows, toVersions } from './context';
import { find, insert, remove, requireCheck, select, update } from './table';

export function createItemRepository(context: MemoryContext): ItemRepository {
  const { read, stage, guard } = context;
  const moveStock = (lines: readonly StockLine[], sign: 1 | -1) =>
    lines.length > 0 &&
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
    takeStock: (lines) => void moveStock(lines, -1),
    returnStock: (lines) => void moveStock(lines, 1),
    requireUnchanged: (read) =>
      guard(
        ({ items, users }) =>
          read.every(({ id, version }) => {
            const item = items.get(id);
            return item?.version === version && users.has(item.ownerId);
          }),
        () => new ConcurrencyError(),
      ),
    find: async (id) => find(read().items, id),
    findAll: async (ids) => {
      const { items, users } = read();
      return select(items, ({ id, ownerId }) => ids.includes(id) && users.has(ownerId));
    },
    add: (item) => stage((next) => insert(next.items, 'items.id', item.id, item)),
    save(item, before) {
      requireAsRead(before);
      stage((next) => update(next.items, item.id, item));
    },
    remove(item) {
      requireAsRead(item);
      stage((next) => remove(next.items, ({ id }) => id === item.id));
    },
    async removeNextOf(ownerId, most) {
      const isOwned = (item: Item) => item.ownerId === ownerId;
      const taken = takeRows(context, ({ items }) => items, isOwned, most);
      const isTaken = (item: Item) => taken.rows.some(({ id }) => id === item.id);
      if (taken.rows.length > 0) stage((next) => remove(next.items, isTaken));
      return toVersions(taken);
    },
  };
}
