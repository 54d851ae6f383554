import { type CheckedActor, isStaff } from '../access/caller';
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
  /** The agent or admin who took the item off sale, so that its owner cannot put it back; null for all other items. */
  takenDownBy: string | null;
  createdAt: string;
  updatedAt: string;
}

const fields = ['title', 'description', 'price', 'stock', 'isActive'] as const;
export type ItemField = (typeof fields)[number];
export type ItemChanges = { [Field in ItemField]?: Item[Field] | undefined };

/** Whether a role may sell; the configuration chooses this rule. */
export type MaySell = (actor: Pick<CheckedActor, 'role'>) => boolean;

/** @throws DomainError `items.only-staff-sells` (403) for a customer where only agents and admins sell */
export function requireSeller(actor: CheckedActor, maySell: MaySell): CheckedActor {
  if (!maySell(actor)) throw itemErrors.onlyStaffSells({ role: actor.role });
  return actor;
}

/** Whether an item is off sale because an agent or an admin took it down. */
export function isTakenDown({ isActive, takenDownBy }: Pick<Item, 'isActive' | 'takenDownBy'>): boolean {
  // A Worker from before 0.5.0 puts an item back on sale without emptying `takenDownBy`.
  return !isActive && takenDownBy !== null;
}

/**
 * Whether the actor owns the item, or is an admin.
 * @throws DomainError `items.not-found` (404) for another customer, `items.not-yours` (403) for an agent
 */
export function requireOwnerOrAdmin({ id, ownerId }: Item, actor: CheckedActor): void {
  if (ownerId === actor.id || actor.role === 'admin') return;
  throw isStaff(actor) ? itemErrors.notYours({ itemId: id }) : itemErrors.notFound({ itemId: id });
}

function changesOnlyWhetherForSale(changes: ItemChanges): boolean {
  return Object.entries(changes).every(([field, value]) => field === 'isActive' || value === undefined);
}

/** Whether an agent may make this change of another's item: take it down, or end that it is taken down. */
function isWorkOfDesk(item: Item, changes: ItemChanges): boolean {
  return changesOnlyWhetherForSale(changes) && (changes.isActive === false || isTakenDown(item));
}

/**
 * @throws DomainError for an actor who may not make this change: 404 and 403 as {@link requireOwnerOrAdmin}, 403 for an
 * owner who may not sell, and 409 for an owner who wants to sell what agents or admins took down
 */
export function requireMayChange(item: Item, changes: ItemChanges, actor: CheckedActor, maySell: MaySell): void {
  if (isStaff(actor) && isWorkOfDesk(item, changes)) return;
  requireOwnerOrAdmin(item, actor);
  const withdraws = changes.isActive === false && changesOnlyWhetherForSale(changes);
  if (!withdraws) requireSeller(actor, maySell);
  if (changes.isActive && isTakenDown(item) && !isStaff(actor)) throw itemErrors.takenDown({ itemId: item.id });
}

/** The version that clients see, which rises with every change, also when an order changes the stock. */
export function versionWithStock(item: Pick<Item, 'version' | 'stockVersion'>): number {
  return item.version + item.stockVersion;
}

function isSame(a: Item[ItemField] | undefined, b: Item[ItemField]): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  return a.amount === b.amount && a.currency === b.currency;
}

/** Who has taken the item down after a change. The first who did remains, until the item is put back on sale. */
function takenDownByAfter(item: Item, { isActive }: ItemChanges, actor: CheckedActor): string | null {
  if (isActive === undefined || (isTakenDown(item) && !isActive)) return item.takenDownBy;
  return !isActive && isStaff(actor) && item.ownerId !== actor.id ? actor.id : null;
}

/**
 * The fields that differ after a change; an empty list means that the change has no effect. An item that its owner has
 * taken off sale, and that is taken down now, counts as a change of `isActive`: its owner cannot change it back any more.
 */
export function changedItemFields(item: Item, changes: ItemChanges, actor: CheckedActor): ItemField[] {
  const next = { isActive: changes.isActive ?? item.isActive, takenDownBy: takenDownByAfter(item, changes, actor) };
  return fields.filter(
    (field) =>
      (changes[field] !== undefined && !isSame(changes[field], item[field])) ||
      (field === 'isActive' && isTakenDown(next) !== isTakenDown(item)),
  );
}

/** The item after a change by this actor. */
export function applyItemChanges(item: Item, changes: ItemChanges, actor: CheckedActor, at: string): Item {
  const changed = changedItemFields(item, changes, actor);
  const values = Object.fromEntries(changed.map((field) => [field, changes[field]]));
  const stockVersion = item.stockVersion + (changed.includes('stock') ? 1 : 0);
  const takenDownBy = takenDownByAfter(item, changes, actor);
  return { ...item, ...values, takenDownBy, version: item.version + 1, stockVersion, updatedAt: at };
}
