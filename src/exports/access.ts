import type { CheckedActor } from '../access/caller';
import { exportErrors } from './errors';

/** @throws DomainError `exports.not-yours` (403), for every id alike, so that it does not show which accounts exist */
export function requireOwnDataOrAdmin(actor: CheckedActor, userId: string): CheckedActor {
  if (actor.id !== userId && actor.role !== 'admin') throw exportErrors.notYours({ userId });
  return actor;
}
