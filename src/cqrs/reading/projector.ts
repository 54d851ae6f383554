import type { Clock } from '../../platform/clock';
import { openSession } from '../../platform/d1';
import { newId } from '../../platform/ids';
import type { RecordedEvent } from '../log/event';
import type { DocumentStore } from './document-store';
import { claimAndLoad, confirm, type Delivery, loadDocument, putAll } from './projection-steps';
import { type Target, targetsOf, type View } from './view';

/** A read model's document: the view's id and the key. */
export interface ViewKey {
  view: string;
  key: string;
}

/** By the documents' keys in KV. */
type Errors = ReadonlyMap<string, unknown>;

/** What became of a projection, by event position. */
export interface ProjectionOutcome {
  /** Handled: its deliveries are gone. */
  done: ReadonlySet<number>;
  /** Why keys failed; a busy key is no failure. */
  errors: Errors;
}

/** Brings read models up to date with the write model; see "The projector" in the architecture notes of the README. */
export interface Projector {
  /** Projects the keys that the events touch. What is not `done` is to be tried again later. */
  project(events: readonly RecordedEvent[]): Promise<ProjectionOutcome>;
  /** Projects the views that must not wait for the queue (`inlineOn`), on behalf of the command. */
  projectInline(events: readonly RecordedEvent[]): Promise<void>;
  /** Projects keys again whatever their position: unsettled and run-out ones. Answers why keys failed. */
  refresh(keys: readonly ViewKey[]): Promise<Errors>;
  /** Projects keys that have not reached their target's position. */
  advance(targets: readonly Target[]): Promise<Errors>;
  /** Deletes documents that no event touches any more, so that their readers are answered from D1. */
  remove(keys: readonly ViewKey[]): Promise<Errors>;
}

export interface ProjectorOptions {
  database: D1Database;
  documents: DocumentStore;
  views: readonly View[];
  epoch: string;
  clock: Clock;
}

/** D1 takes about 100 statements a batch, and each key is one of them. */
const keysPerBatch = 80;

export function createProjector(options: ProjectorOptions): Projector {
  const views = new Map(options.views.map((view) => [view.id, view]));

  /** Claim, put, confirm: two round trips to D1 for up to `keysPerBatch` keys. */
  async function run(
    targets: readonly Target[],
    deliveries: readonly Delivery[],
    toDocument = loadDocument,
  ): Promise<ProjectionOutcome> {
    const done = new Set<number>();
    const errors = new Map<string, unknown>();
    const merged = mergeTargets(targets);
    // An event that touches nothing still has its delivery to be deleted: hence at least one round.
    for (let start = 0; start === 0 || start < merged.length; start += keysPerBatch) {
      const { db } = openSession(options.database, 'first-primary');
      const claim = await claimAndLoad(db, views, merged.slice(start, start + keysPerBatch), newId(), options.clock);
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
    async refresh(keys) {
      return keys.length === 0 ? new Map() : (await run(keys.map(beyondAll), [])).errors;
    },
    async advance(targets) {
      return targets.length === 0 ? new Map() : (await run(targets, [])).errors;
    },
    async remove(keys) {
      return keys.length === 0 ? new Map() : (await run(keys.map(beyondAll), [], () => undefined)).errors;
    },
  };
}

/** A target beyond every position, so that its key never counts as done. */
function beyondAll(key: ViewKey): Target {
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
