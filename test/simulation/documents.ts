import type { Services } from '../../src/composition';
import { upcast } from '../../src/cqrs/log/event';
import { type EventRow, toRecordedEvent } from '../../src/cqrs/log/event-log';
import { targetsOf, type View } from '../../src/cqrs/reading/view';
import type { Release } from './history';
import type { SimulatedPlatform } from './platform';
import { type Finding, InvariantViolation } from './violation';

/** How hard the history was for the documents, which decides how much KV must hold in the end. */
export interface Ordeal {
  /** Whether both versions ran: KV may then lack documents, because each version throws away the other's. */
  hasVersions: boolean;
  /** Whether the reconciler ran, which removes what the projector does not know. */
  hasReconciler: boolean;
}

const readAtOnce = 50;

function assertInvariant({ world }: SimulatedPlatform, holds: boolean, describe: () => Finding): void {
  if (!holds) throw new InvariantViolation(world.seed, describe());
}

/** The documents that the events of the log touch, by their keys in KV. */
export function findTouched({ d1 }: SimulatedPlatform, { eventCatalogue, views }: Release): Map<string, number> {
  const touched = new Map<string, number>();
  for (const row of d1.query<Record<string, unknown> & EventRow>('SELECT * FROM events ORDER BY position')) {
    for (const { view, key, position } of targetsOf(views, upcast(eventCatalogue, toRecordedEvent(row)))) {
      touched.set(`${view}:${key}`, position);
    }
  }
  return touched;
}

/** Checks that the projections have reached each event that touches them, and that none of them ever went back. */
export function checkPositions(platform: SimulatedPlatform, touched: ReadonlyMap<string, number>): void {
  const rows = platform.d1.query<{ id: string; position: number }>(
    "SELECT view || ':' || key AS id, position FROM projections",
  );
  const reached = new Map(rows.map(({ id, position }) => [id, position]));
  for (const [document, position] of touched) {
    const at = reached.get(document);
    assertInvariant(platform, at !== undefined && at >= position, () => ({
      expected: `the document ${document} is projected up to position ${position}, the last event that touches it`,
      found: at === undefined ? 'the document was never projected' : `the document is projected up to position ${at}`,
    }));
  }
  const decreased = platform.d1.query('SELECT * FROM decreased_positions');
  assertInvariant(platform, decreased.length === 0, () => ({
    expected: 'the position of a key never decreases',
    found: JSON.stringify(decreased),
  }));
}

interface Wanted {
  view: View;
  key: string;
  kvKey: string;
}

/** The documents of KV that a version would serve. */
function findServed({ kv }: SimulatedPlatform, { views }: Release): Wanted[] {
  const byId = new Map(views.map((view) => [view.id, view]));
  return [...kv.stored.keys()].flatMap((kvKey) => {
    const colon = kvKey.indexOf(':');
    const view = byId.get(kvKey.slice(0, colon));
    return view ? [{ view, key: kvKey.slice(colon + 1), kvKey }] : [];
  });
}

/**
 * Checks that each document that a version would serve equals what its loader makes of D1: no reader of any version may
 * get anything else after all work is done.
 */
async function checkServed(platform: SimulatedPlatform, release: Release): Promise<Map<string, string>> {
  const services: Services = platform.composeDirectly(release);
  const wanted = findServed(platform, release);
  const served = new Map<string, string>();
  for (let start = 0; start < wanted.length; start += readAtOnce) {
    const some = wanted.slice(start, start + readAtOnce);
    const results = await services.readModels.read(undefined, ...some);
    const loaded = await Promise.all(some.map((one) => services.readModels.readFresh(one)));
    for (const [index, { kvKey }] of some.entries()) {
      const result = results[index];
      const [found, expected] = [result?.document?.data, loaded[index]?.data].map((data) => JSON.stringify(data));
      assertInvariant(platform, found === expected, () => ({
        expected: `version ${release.number} serves ${kvKey} as D1 has it: ${expected ?? 'no document'}`,
        found: `${found ?? 'no document'}, from ${result?.source}`,
      }));
      if (expected !== undefined && result?.source === 'kv') served.set(kvKey, expected);
    }
  }
  return served;
}

/** Checks that KV has the documents that D1 has, so that reads do not go to D1. */
async function requirePresent(
  platform: SimulatedPlatform,
  release: Release,
  kvKeys: readonly string[],
  served: ReadonlyMap<string, string>,
): Promise<void> {
  const services = platform.composeDirectly(release);
  for (const kvKey of kvKeys) {
    const colon = kvKey.indexOf(':');
    const view = release.views.find(({ id }) => id === kvKey.slice(0, colon));
    if (!view || served.has(kvKey)) continue;
    const loaded = await services.readModels.readFresh({ view, key: kvKey.slice(colon + 1) });
    assertInvariant(platform, loaded === undefined, () => ({
      expected: `KV has the document ${kvKey}: ${JSON.stringify(loaded?.data)}`,
      found: 'no document that is served',
    }));
  }
}

/** Checks that a rebuild has made every document of a view that events touch. */
export async function checkRebuilt(
  platform: SimulatedPlatform,
  release: Release,
  view: View,
  served: ReadonlyMap<string, string>,
): Promise<void> {
  const touched = [...findTouched(platform, release).keys()].filter((kvKey) => kvKey.startsWith(`${view.id}:`));
  await requirePresent(platform, release, touched, served);
}

/** Checks the documents after all work has ended. Returns those of the version that runs now. */
export async function checkDocuments(
  platform: SimulatedPlatform,
  current: Release,
  { hasReconciler, hasVersions }: Ordeal,
  erasedTexts: readonly string[],
): Promise<Map<string, string>> {
  const touched = findTouched(platform, current);
  if (hasReconciler) checkReadable(platform, current);
  if (!hasVersions) checkPositions(platform, touched);
  for (const release of platform.deployed) if (release !== current) await checkServed(platform, release);
  const served = await checkServed(platform, current);
  if (!hasVersions) await requirePresent(platform, current, [...touched.keys()], served);
  checkNobodysDocuments(platform, hasReconciler);
  for (const [key, text] of platform.documents) {
    const erased = erasedTexts.find((one) => text.includes(one));
    assertInvariant(platform, erased === undefined, () => ({
      expected: 'no document in KV, of any shape, has the name or the address of an account that was deleted',
      found: `${key} contains ${erased}`,
    }));
  }
  return served;
}

/** Checks that the reconciler has repaired what was not a document, except of shapes that its version does not know. */
function checkReadable(platform: SimulatedPlatform, { views }: Release): void {
  const isKnown = (key: string) => !key.includes(':') || views.some(({ id }) => key.startsWith(`${id}:`));
  for (const [key, text] of platform.documents) {
    if (!isKnown(key)) continue;
    assertInvariant(platform, text.startsWith('{"') && text.endsWith('}'), () => ({
      expected: `the reconciler repairs the value of ${key}, which is no document`,
      found: text,
    }));
  }
}

/** Checks that every document in KV has its row, by which it is kept up to date, and in the end deleted. */
function checkNobodysDocuments({ d1, documents, world }: SimulatedPlatform, hasReconciler: boolean): void {
  const rows = d1.query<{ id: string }>("SELECT view || ':' || key AS id FROM projections");
  const known = new Set(rows.map(({ id }) => id));
  // A key without a colon belongs to no read model.
  const unknown = [...documents.keys()].filter((key) => key.includes(':') && !known.has(key));
  if (unknown.length === 0) return;
  const expected = `every document in KV has a row in projections${hasReconciler ? ', after the reconciler walked through KV' : ''}`;
  throw new InvariantViolation(world.seed, { expected, found: `no row for ${unknown.join(', ')}` });
}
