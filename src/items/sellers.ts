import { type activeAccount, activeAccountThat } from '../access/access-rules';
import { isStaff } from '../access/caller';
import { type MaySell, requireSeller } from './item';

/** The values of the variable `SELLERS`. */
export const sellers = ['everyone', 'staff'] as const;
export type Sellers = (typeof sellers)[number];

const rules: Readonly<Record<Sellers, MaySell>> = { everyone: () => true, staff: isStaff };

/** Who may sell items in this installation. */
export interface Selling {
  maySell: MaySell;
  /**
   * The access rule: the caller has an active account, and may sell.
   * @throws DomainError `items.only-staff-sells` (403)
   */
  activeSeller: typeof activeAccount;
}

/** Chooses the rules of selling by the configuration. */
export function createSelling(who: Sellers): Selling {
  const maySell = rules[who];
  return {
    maySell,
    activeSeller: activeAccountThat((actor) => requireSeller(actor, maySell)),
  };
}
