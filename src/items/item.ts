import { DomainError } from '../platform/errors';

/** An amount in the currency's minor units (cents) with its ISO 4217 code. */
export interface Money {
  amount: number;
  currency: string;
}

/** Something for sale. `stock` null means unlimited. */
export interface Item {
  id: string;
  version: number;
  ownerId: string;
  title: string;
  description: string | null;
  price: Money;
  stock: number | null;
  /** Counts the changes of `stock`, which orders make beside the item's own events. */
  stockVersion: number;
  isActive: boolean;
  createdAt: string;
  updatedAt: string;
}

const fields = ['title', 'description', 'price', 'stock', 'isActive'] as const;
export type ItemField = (typeof fields)[number];
export type ItemChanges = { [Field in ItemField]?: Item[Field] | undefined };

/** @throws DomainError 404 for an item of somebody else: it can be read by everybody, but not changed. */
export function requireOwnerOrAdmin(item: Item, actor: { id: string; role: string }): void {
  if (item.ownerId !== actor.id && actor.role !== 'admin') throw itemNotFound();
}

export function itemNotFound(): DomainError {
  return new DomainError('not-found', 'items.not-found', 'There is no such item.');
}

/** The version that clients see: it grows with every change, whoever made it. */
export function shownVersion(item: Pick<Item, 'version' | 'stockVersion'>): number {
  return item.version + item.stockVersion;
}

function isSame(a: Item[ItemField] | undefined, b: Item[ItemField]): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  return a.amount === b.amount && a.currency === b.currency;
}

/** Which fields a change really changes. */
export function changedItemFields(item: Item, changes: ItemChanges): ItemField[] {
  return fields.filter((field) => changes[field] !== undefined && !isSame(changes[field], item[field]));
}

export function applyItemChanges(item: Item, changes: ItemChanges, at: string): Item {
  const changed = changedItemFields(item, changes);
  const values = Object.fromEntries(changed.map((field) => [field, changes[field]]));
  const stockVersion = item.stockVersion + (changed.includes('stock') ? 1 : 0);
  return { ...item, ...values, version: item.version + 1, stockVersion, updatedAt: at };
}
