import type { CheckedActor } from '../access/caller';
import type { Money } from '../platform/money';
import { itemErrors } from './errors';

/** An item for sale. A `stock` of null means an unlimited number of pieces. */
export interface Item {
  id: string;
  version: number;
  ownerId: string;
  title: string;
  description: string | null;
  price: Money;
  stock: number | null;
  /** Counts the changes of `stock`. Orders change the stock without an event in the item's stream. */
  stockVersion: number;
  isActive: boolean;
  createdAt: string;
  updatedAt: string;
}

const fields = ['title', 'description', 'price', 'stock', 'isActive'] as const;
export type ItemField = (typeof fields)[number];
export type ItemChanges = { [Field in ItemField]?: Item[Field] | undefined };

/** @throws DomainError `items.not-found` (404) for another owner's item, which the actor may not change */
export function requireOwnerOrAdmin(item: Item, actor: CheckedActor): void {
  if (item.ownerId !== actor.id && actor.role !== 'admin') throw itemErrors.notFound({ itemId: item.id });
}

/** The version that clients see, which rises with every change, also when an order changes the stock. */
export function versionWithStock(item: Pick<Item, 'version' | 'stockVersion'>): number {
  return item.version + item.stockVersion;
}

function isSame(a: Item[ItemField] | undefined, b: Item[ItemField]): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  return a.amount === b.amount && a.currency === b.currency;
}

/** The fields that differ after a change; an empty list means that the change has no effect. */
export function changedItemFields(item: Item, changes: ItemChanges): ItemField[] {
  return fields.filter((field) => changes[field] !== undefined && !isSame(changes[field], item[field]));
}

export function applyItemChanges(item: Item, changes: ItemChanges, at: string): Item {
  const changed = changedItemFields(item, changes);
  const values = Object.fromEntries(changed.map((field) => [field, changes[field]]));
  const stockVersion = item.stockVersion + (changed.includes('stock') ? 1 : 0);
  return { ...item, ...values, version: item.version + 1, stockVersion, updatedAt: at };
}
