import { z } from 'zod';
import { defineCommand } from '../cqrs/writing/command';
import { requireVersion } from '../cqrs/writing/expected-version';
import { type CommandContext, requireActor, type Transaction, type UnitOfWork } from '../cqrs/writing/unit-of-work';
import { isoTime } from '../platform/clock';
import { newId } from '../platform/ids';
import type { AccountOwned } from '../users/commands';
import { requireValidToken } from '../users/user';
import { ItemChanged, ItemCreated, ItemDeleted } from './events';
import {
  applyItemChanges,
  changedItemFields,
  type Item,
  itemNotFound,
  requireOwnerOrAdmin,
  shownVersion,
} from './item';
import type { ItemRepository } from './repository';
import * as schemas from './schemas';

export interface ItemTransaction {
  items: ItemRepository;
}

// Made once: the services themselves are made for every request.
const target = z.strictObject({ itemId: schemas.itemId });
const updateItem = target.extend({ changes: schemas.updateItem });

/** The commands on the catalogue. */
export function createItemCommands(unitOfWork: UnitOfWork<ItemTransaction>) {
  return {
    CreateItem: defineCommand(schemas.createItem, ({ title, description, price, stock }, context) =>
      unitOfWork.run(context, async (tx) => {
        const actor = requireActor(context);
        const at = isoTime(context.issuedAt);
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
          createdAt: at,
          updatedAt: at,
        };
        tx.items.add(item, actor);
        tx.record(ItemCreated.create(item.id, item.version, { ownerId: item.ownerId }));
        return { id: item.id, version: item.version };
      }),
    ),

    UpdateItem: defineCommand(updateItem, ({ itemId, changes }, context) =>
      unitOfWork.run(context, async (tx) => {
        const item = await loadForChange(tx, itemId, context);
        const fields = changedItemFields(item, changes);
        if (fields.length === 0) return { id: item.id, version: shownVersion(item) };
        const next = applyItemChanges(item, changes, isoTime(context.issuedAt));
        tx.items.save(next, item);
        tx.record(ItemChanged.create(item.id, next.version, { ownerId: item.ownerId, fields }));
        return { id: item.id, version: shownVersion(next) };
      }),
    ),

    DeleteItem: defineCommand(target, ({ itemId }, context) =>
      unitOfWork.run(context, async (tx) => {
        const item = await loadForChange(tx, itemId, context);
        const version = item.version + 1;
        tx.items.remove(item);
        tx.record(ItemDeleted.create(item.id, version, { ownerId: item.ownerId }));
        return { id: item.id, version };
      }),
    ),
  };
}

async function loadForChange(tx: Transaction<ItemTransaction>, itemId: string, context: CommandContext): Promise<Item> {
  const actor = requireActor(context);
  const { item, standing } = await tx.items.findFor(itemId, actor);
  const valid = requireValidToken(standing, actor.issuedAt);
  if (!item) throw itemNotFound();
  requireOwnerOrAdmin(item, valid);
  requireVersion(shownVersion(item), context);
  return item;
}

/** What becomes of an owner's items when their account is deleted: nobody could deliver them. Orders keep what they captured. */
export function deleteItems(items: ItemRepository): AccountOwned {
  return async (ownerId) => {
    const removed = await items.removeOf(ownerId);
    return removed.map(({ id, version }) => ItemDeleted.create(id, version + 1, { ownerId }));
  };
}
