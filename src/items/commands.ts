import * as z from 'zod';
import { activeAccount, type DefineCommand } from '../access/access-rules';
import type { AccountDeletionHandler } from '../access/account-parts';
import type { CheckedActor } from '../access/caller';
import type { CommandDetails } from '../cqrs/writing/command';
import { requireVersion } from '../cqrs/writing/expected-version';
import { newId } from '../platform/ids';
import { itemErrors } from './errors';
import { ItemCreated, ItemDeleted, ItemUpdated } from './events';
import * as rules from './item';
import { type Item, versionWithStock } from './item';
import type { ItemRepository } from './repository';
import * as schemas from './schemas';
import type { Selling } from './sellers';

export interface ItemTransaction {
  items: ItemRepository;
}

const target = z.strictObject({ itemId: schemas.itemId });
const updateItem = target.extend({ changes: schemas.updateItem });

/**
 * The commands on the catalogue of items.
 * @param selling who may sell
 */
export function createItemCommands(command: DefineCommand<ItemTransaction>, { activeSeller, maySell }: Selling) {
  return {
    /** Creates an item that belongs to the caller. */
    CreateItem: command({
      input: schemas.createItem,
      onlyIf: activeSeller,
      handle({ title, description, price, stock }, tx, { actor, at }) {
        const item: Item = {
          id: newId(),
          version: 1,
          ownerId: actor.id,
          title,
          description: description ?? null,
          price,
          stock: stock ?? null,
          stockVersion: 0,
          isActive: true,
          takenDownBy: null,
          createdAt: at,
          updatedAt: at,
        };
        tx.items.add(item, actor);
        tx.record(ItemCreated.create(item.id, item.version, { ownerId: item.ownerId }));
        return { id: item.id, version: item.version };
      },
    }),

    /** Changes an item; agents and admins also take items of others off sale, and put them back. */
    UpdateItem: command({
      input: updateItem,
      onlyIf: activeAccount,
      async handle({ itemId, changes }, tx, details) {
        const { actor } = details;
        const item = await loadFor(tx, itemId, details, (found) =>
          rules.requireMayChange(found, changes, actor, maySell),
        );
        const fields = rules.changedItemFields(item, changes, actor);
        if (fields.length === 0) return { id: item.id, version: versionWithStock(item) };
        const next = rules.applyItemChanges(item, changes, actor, details.at);
        tx.items.save(next, item, actor);
        tx.record(ItemUpdated.create(item.id, next.version, { ownerId: item.ownerId, fields }));
        return { id: item.id, version: versionWithStock(next) };
      },
    }),

    /** Deletes an item; existing orders keep its title and price. */
    DeleteItem: command({
      input: target,
      onlyIf: activeAccount,
      async handle({ itemId }, tx, details) {
        const item = await loadFor(tx, itemId, details, (found) => rules.requireOwnerOrAdmin(found, details.actor));
        const version = item.version + 1;
        tx.items.remove(item, details.actor);
        tx.record(ItemDeleted.create(item.id, version, { ownerId: item.ownerId }));
        return { id: item.id, version };
      },
    }),
  };
}

export type ItemCommands = ReturnType<typeof createItemCommands>;

async function loadFor(
  tx: ItemTransaction,
  itemId: string,
  details: CommandDetails<CheckedActor>,
  requireAllowed: (item: Item) => void,
): Promise<Item> {
  const item = await tx.items.find(itemId);
  if (!item) throw itemErrors.notFound({ itemId });
  requireAllowed(item);
  requireVersion(versionWithStock(item), details);
  return item;
}

/** Deletes the items of an account that is deleted, because nobody could deliver them. */
export function deleteItemsOfAccount(items: ItemRepository): AccountDeletionHandler {
  return async (ownerId, _, most) => {
    const { rows, isLast } = await items.removeNextOf(ownerId, most);
    const events = rows.map(({ id, version }) => ItemDeleted.create(id, version + 1, { ownerId }));
    return { events, rows: rows.length, isFinished: isLast };
  };
}
