import type { Release } from './history';
import { SimulatedFault } from './process';
import type * as Parts from './release-parts';
import type { Variant } from './replacements';

function toRelease(number: Release['number'], parts: typeof Parts): Release {
  const { commandScopes, DomainError, EmailError, findDatabaseFailure, queryScopes, withinScopes } = parts;
  const { compose, eventCatalogue, limits, runSchedule, views } = parts;
  return {
    number,
    compose,
    runSchedule,
    eventCatalogue,
    views,
    limits,
    limitCommands: (caller, commands) => withinScopes(caller, commands, commandScopes),
    limitQueries: (caller, queries) => withinScopes(caller, queries, queryScopes),
    isRefusal: (error): error is InstanceType<typeof DomainError> =>
      error instanceof DomainError && error.kind !== 'unavailable',
    isUnavailable: (error) => error instanceof DomainError && error.kind === 'unavailable',
    isOfPlatform: (error) => isSimulated(error) || findDatabaseFailure(error) !== undefined,
    createEmailError: (code, refusal) => new EmailError(code, refusal, new SimulatedFault(code)),
  };
}

function isSimulated(error: unknown): boolean {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (current instanceof SimulatedFault) return true;
  }
  return false;
}

let releases: Readonly<Record<Variant, Release>> | undefined;

/**
 * Loads the versions of the code, which all histories of a run share.
 * @param address a file beside the bundles of the versions
 */
export async function loadVersions(address: string): Promise<void> {
  const load = (variant: Variant): Promise<typeof Parts> => import(new URL(`${variant}.mjs`, address).href);
  const first = toRelease(1, await load('first'));
  const second = toRelease(2, await load('second'));
  const withNewEvents = toRelease(2, await load('withNewEvents'));
  if (first.views.every(({ id }, index) => id === second.views[index]?.id)) {
    throw new Error('Version 2 has the same views as version 1: adapt the names in replacements.ts to domains.ts.');
  }
  if (withNewEvents.eventCatalogue.size === first.eventCatalogue.size) {
    throw new Error('Version 2 has no new events: adapt the names in new-events.ts to domains.ts.');
  }
  releases = { first, second, withNewEvents };
}

/** @throws Error where the simulation was not loaded by bundle.ts */
export function getReleases(): Readonly<Record<Variant, Release>> {
  if (!releases) throw new Error('The versions of the code are missing: load the simulation with bundle.ts.');
  return releases;
}
