import type { Clock } from '../../platform/clock';
import { openSession } from '../../platform/d1';
import { DefectError } from '../../platform/failure';
import { newId } from '../../platform/ids';
import { limits } from '../../platform/limits';
import type { RecordedEvent } from '../log/event';
import type { DocumentStore } from './document-store';
import { loadDocument } from './load';
import { countLags, recordLags } from './projection-lags';
import { type Confirmed, claimAndLoad, confirm, type Delivery, pacing, putAll } from './projection-steps';
import { findUnsettled, type Unsettled } from './settled';
import { documentKey, type Target, targetsOf, type View, type ViewKey } from './view';

export type { ViewKey } from './view';

/** What became of keys, by the keys of their documents in KV. A key that is in neither of them waits. */
export interface KeyOutcomes {
  /** The keys whose documents were put or deleted. */
  put: ReadonlySet<string>;
  /** Why keys failed. */
  errors: ReadonlyMap<string, unknown>;
}

/** The outcome of a projection: each event is done, or it failed, or it waits. */
export interface ProjectionOutcome {
  /** The positions of the events whose work is finished; their deliveries are deleted. */
  done: ReadonlySet<number>;
  /** The positions of the done events whose data points the consumer writes now; of several runs, one has an event here. */
  finished: ReadonlySet<number>;
  /** Why events failed, by their positions: the error of one of their keys. */
  failed: ReadonlyMap<number, unknown>;
  /** How many milliseconds the other events have to wait for keys that are claimed, to be rechecked, or not yet begun. */
  waiting: ReadonlyMap<number, number>;
}

/**
 * Brings documents up to date with the write model; docs/architecture.md explains how. One run takes on
 * `limits.keysPerInvocation` keys. What is left over has not reached its position, so that the next run goes on there.
 */
export interface Projector {
  /** Projects the keys that the events touch. Try again later with each event that is not done. */
  project(events: readonly RecordedEvent[]): Promise<ProjectionOutcome>;
  /**
   * Projects the views that must not wait for the queue (`inlineOn`). Returns whether all of them are up to date; if
   * not, a key is claimed elsewhere, or was written within the last second.
   */
  projectInline(events: readonly RecordedEvent[]): Promise<boolean>;
  /** Projects keys again, also keys that have the newest position, and removes documents of unknown shapes. */
  projectAgain(keys: readonly ViewKey[]): Promise<KeyOutcomes>;
  /** Projects the keys that have not reached their target's position. */
  projectUpTo(targets: readonly Target[]): Promise<KeyOutcomes>;
  /** Removes documents that no event touches, whatever the write model says; D1 serves their reads. */
  remove(keys: readonly ViewKey[]): Promise<KeyOutcomes>;
}

export interface ProjectorOptions {
  database: D1Database;
  documents: DocumentStore;
  views: readonly View[];
  epoch: string;
  clock: Clock;
  /** The acceptable lag in milliseconds. A document rests for a third of it at most. */
  lagTargetMs: number;
}

/** A delivery with the time of its event, for the figures about lags. */
interface TimedDelivery extends Delivery {
  occurredAt: string;
}

interface Run extends KeyOutcomes, Confirmed {
  /** Whether every key was put. */
  isComplete: boolean;
}

export function createProjector(options: ProjectorOptions): Projector {
  const { clock, database } = options;
  const views = new Map(options.views.map((view) => [view.id, view]));
  const open = () => openSession(database, 'first-primary').db;

  /** The keys for one run. Of too many, those are taken that a claim can settle now, failing ones last. */
  async function choose(targets: readonly Target[]): Promise<readonly Target[]> {
    if (targets.length <= limits.keysPerInvocation) return targets;
    const now = clock.now();
    const unsettled = await open().all<Unsettled>(findUnsettled(views, targets));
    const byKey = new Map(targets.map((target) => [documentKey(target), target]));
    const rank = ({ freeAt, error }: Unsettled) => (freeAt > now ? 2 : error === null ? 0 : 1);
    return unsettled
      .sort((one, other) => rank(one) - rank(other) || one.target - other.target)
      .slice(0, limits.keysPerInvocation)
      .map(({ view, key, target }) => byKey.get(documentKey({ view, key })) ?? { view, key, position: target });
  }

  /** Claims, puts and confirms: two round trips to D1 for up to `limits.keysPerBatch` keys. */
  async function run(
    targets: readonly Target[],
    deliveries: readonly TimedDelivery[],
    toDocument = loadDocument,
  ): Promise<Run> {
    const errors = new Map<string, unknown>();
    const put = new Set<string>();
    const counted = new Set<string>();
    const merged = mergeTargets(targets);
    const waiting = [...(await choose(merged))];
    const wanted = new Set(merged.map(documentKey));
    let budget = limits.keysPerInvocation;
    // An event that touches no key still has a delivery to delete, so there is at least one round.
    for (;;) {
      const batch = waiting.splice(0, Math.min(limits.keysPerBatch, budget));
      const claim = await claimAndLoad(open(), views, batch, newId(), clock);
      const siblings = claim.siblings.filter((sibling) => !wanted.has(documentKey(sibling)));
      waiting.push(...siblings);
      budget -= claim.claimed.length + claim.searched;
      const result = await putAll(options, claim, errors, toDocument);
      for (const key of siblings) wanted.add(documentKey(key));
      for (const key of result.put) put.add(documentKey(key));
      const isLast = waiting.length === 0 || budget <= 0;
      const db = open();
      const lags = recordLags(db, countLags(deliveries, result.put, counted, clock.now()), clock.now());
      const confirmed = await confirm(db, views, claim, result, isLast ? deliveries : [], clock, lags);
      if (isLast) return { ...confirmed, errors, put, isComplete: put.size === wanted.size };
    }
  }

  function deliveryOf(event: RecordedEvent): TimedDelivery {
    const { id, occurredAt, position, type } = event;
    const handledBy = options.views.filter(({ types }) => types.includes(type)).map(({ name }) => name);
    const targets = targetsOf(options.views, event).map((target) => {
      const wanted = views.get(target.view)?.restMs;
      if (wanted === undefined) return target;
      // A key is free a moment after its put, and its rest began with the put.
      const restMs = Math.floor(Math.min(wanted, options.lagTargetMs / 3)) - pacing.writeMs;
      return { ...target, restMs: Math.max(0, restMs) };
    });
    return { id, position, type, occurredAt, handledBy, targets };
  }

  /** Projects keys without deliveries. */
  async function runOnly(targets: readonly Target[], toDocument = loadDocument): Promise<KeyOutcomes> {
    return targets.length === 0 ? { put: new Set(), errors: new Map() } : run(targets, [], toDocument);
  }

  return {
    async project(events) {
      const outcome = {
        done: new Set<number>(),
        failed: new Map<number, unknown>(),
        waiting: new Map<number, number>(),
      };
      const deliveries: TimedDelivery[] = [];
      for (const event of events) {
        try {
          deliveries.push(deliveryOf(event));
        } catch (error) {
          outcome.failed.set(event.position, new DefectError(error));
        }
      }
      const { left, errors, finished } = await run(
        deliveries.flatMap(({ targets }) => targets),
        deliveries,
      );
      for (const { position, targets } of deliveries) {
        const freeAt = left.get(position);
        const failing = targets.map(documentKey).find((key) => errors.has(key));
        if (freeAt === undefined) outcome.done.add(position);
        else if (failing !== undefined) outcome.failed.set(position, errors.get(failing));
        else outcome.waiting.set(position, Math.max(0, freeAt - clock.now()));
      }
      return { ...outcome, finished: new Set(finished) };
    },
    async projectInline(events) {
      const inline = (event: RecordedEvent) => options.views.filter(({ inlineOn }) => inlineOn.includes(event.type));
      const targets = events.flatMap((event) => targetsOf(inline(event), event));
      if (targets.length === 0) return true;
      const { errors, isComplete } = await run(targets, []);
      for (const error of errors.values()) throw error;
      if (isComplete) return true;
      const unsettled = await open().all<Unsettled>(findUnsettled(views, targets));
      return unsettled.every(({ position, target }) => position >= target);
    },
    projectAgain: (keys) => runOnly(keys.map(alwaysBehind)),
    projectUpTo: (targets) => runOnly(targets),
    remove: (keys) => runOnly(keys.map(alwaysBehind), () => undefined),
  };
}

/** A target with a position that no key reaches, so that its key is projected in any case. */
function alwaysBehind({ view, key }: ViewKey): Target {
  return { view, key, position: Number.MAX_SAFE_INTEGER };
}

/** A key that several events touch is projected once, for the newest of them. The keys of earlier events come first. */
function mergeTargets(targets: readonly Target[]): Target[] {
  const newest = new Map<string, Target>();
  for (const target of targets) {
    const known = newest.get(documentKey(target));
    if (!known || known.position < target.position) newest.set(documentKey(target), target);
  }
  return [...newest.values()];
}
