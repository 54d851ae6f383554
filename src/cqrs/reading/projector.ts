import type { Clock } from '../../platform/clock';
import { openSession } from '../../platform/d1';
import { newId } from '../../platform/ids';
import { limits } from '../../platform/limits';
import type { RecordedEvent } from '../log/event';
import type { DocumentStore } from './document-store';
import { claimAndLoad, confirm, type Delivery, loadDocument, putAll } from './projection-steps';
import { type Target, targetsOf, type View } from './view';

/** A read model's document: the view's id and the key. */
export interface ViewKey {
  view: string;
  key: string;
}

/** The errors of keys, by the keys of their documents in KV. */
type Errors = ReadonlyMap<string, unknown>;

/** The outcome of a projection. */
export interface ProjectionOutcome {
  /** The positions of the events whose work is finished; their deliveries are deleted. */
  done: ReadonlySet<number>;
  /** Why keys failed. A key that another consumer holds has not failed. */
  errors: Errors;
}

/** Brings documents up to date with the write model; docs/architecture.md explains how. */
export interface Projector {
  /** Projects the keys that the events touch. Try again later with each event that is not in `done`. */
  project(events: readonly RecordedEvent[]): Promise<ProjectionOutcome>;
  /** Projects the views that must not wait for the queue (`inlineOn`), before the command's response. */
  projectInline(events: readonly RecordedEvent[]): Promise<void>;
  /** Projects keys again, also keys that have the newest position. Returns why keys failed. */
  projectAgain(keys: readonly ViewKey[]): Promise<Errors>;
  /** Projects the keys that have not reached their target's position. Returns why keys failed. */
  projectUpTo(targets: readonly Target[]): Promise<Errors>;
  /** Deletes documents that no event touches; D1 then serves their reads. Returns why keys failed. */
  remove(keys: readonly ViewKey[]): Promise<Errors>;
}

export interface ProjectorOptions {
  database: D1Database;
  documents: DocumentStore;
  views: readonly View[];
  epoch: string;
  clock: Clock;
}

export function createProjector(options: ProjectorOptions): Projector {
  const views = new Map(options.views.map((view) => [view.id, view]));

  /** Claims, puts and confirms: two round trips to D1 for up to `limits.keysPerBatch` keys. */
  async function run(
    targets: readonly Target[],
    deliveries: readonly Delivery[],
    toDocument = loadDocument,
  ): Promise<ProjectionOutcome> {
    const done = new Set<number>();
    const errors = new Map<string, unknown>();
    const merged = mergeTargets(targets);
    // An event that touches no key still has a delivery to delete, so there is at least one round.
    for (let start = 0; start === 0 || start < merged.length; start += limits.keysPerBatch) {
      const { db } = openSession(options.database, 'first-primary');
      const claim = await claimAndLoad(
        db,
        views,
        merged.slice(start, start + limits.keysPerBatch),
        newId(),
        options.clock,
      );
      const put = await putAll(options, claim, errors, toDocument);
      for (const position of await confirm(db, claim, put, deliveries, options.clock)) done.add(position);
    }
    return { done, errors };
  }

  return {
    project(events) {
      const deliveries = events.map((event) => ({
        position: event.position,
        targets: targetsOf(options.views, event),
      }));
      return run(
        deliveries.flatMap(({ targets }) => targets),
        deliveries,
      );
    },
    async projectInline(events) {
      const targets = events.flatMap((event) =>
        targetsOf(
          options.views.filter(({ inlineOn }) => inlineOn.includes(event.type)),
          event,
        ),
      );
      if (targets.length > 0) await run(targets, []);
    },
    async projectAgain(keys) {
      return keys.length === 0 ? new Map() : (await run(keys.map(alwaysBehind), [])).errors;
    },
    async projectUpTo(targets) {
      return targets.length === 0 ? new Map() : (await run(targets, [])).errors;
    },
    async remove(keys) {
      return keys.length === 0 ? new Map() : (await run(keys.map(alwaysBehind), [], () => undefined)).errors;
    },
  };
}

/** A target with a position that no key reaches, so that its key is projected in any case. */
function alwaysBehind(key: ViewKey): Target {
  return { ...key, position: Number.MAX_SAFE_INTEGER };
}

/** A key that several events touch is projected once, for the newest of them. */
function mergeTargets(targets: readonly Target[]): Target[] {
  const newest = new Map<string, Target>();
  for (const target of targets) {
    const id = `${target.view}:${target.key}`;
    const known = newest.get(id);
    if (!known || known.position < target.position) newest.set(id, target);
  }
  return [...newest.values()];
}
