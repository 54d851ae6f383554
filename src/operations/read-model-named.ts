import { operationsErrors } from './errors';

/**
 * Finds the read model that an operator names.
 * @throws DomainError `projections.not-found` for a name that no read model has
 */
export function readModelNamed<Known extends { name: string }>(views: readonly Known[], name: string): Known {
  const found = views.find((view) => view.name === name);
  if (!found) throw operationsErrors.viewNotFound({ view: name });
  return found;
}
