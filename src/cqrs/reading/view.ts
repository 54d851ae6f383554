import type { Database, Statement } from '../../platform/d1';
import type { EventDefinition, RecordedEvent } from '../log/event';

/** What a loader makes of D1's rows; `version` is that of the aggregate, and makes the ETag. */
export interface Loaded<Data> {
  version: number;
  /** Distinguishes documents of one version that hold more than the aggregate, such as counts from other domains. */
  revision?: string | undefined;
  data: Data;
}

/** A document as KV holds it. */
export interface Document<Data = unknown> extends Loaded<Data> {
  /** The event position up to which the data is complete. */
  asOf: number;
  /** Milliseconds since the Unix epoch. */
  projectedAt: number;
  epoch: string;
}

/** How many rows a list's document holds: the 100 that a page may have, and one that shows that more follow. */
export const firstPageSize = 101;

/** Which keys of a view an event of the given types affects: a pure function of the event. */
export interface Trigger {
  types: readonly string[];
  keys(event: RecordedEvent): readonly string[];
}

export interface View<Data = unknown> {
  name: string;
  /** The name with the shape's version (`ticket@2`), under which its keys are kept: a new shape starts empty. */
  id: string;
  triggers: readonly Trigger[];
  /** Events whose command projects this view itself, before it returns. */
  inlineOn: readonly string[];
  /** The key in KV (`ticket@2:{key}`). */
  kvKey(key: string): string;
  /** One statement that reads all a document needs. */
  query(db: Database, key: string): Statement;
  /** Undefined when the write model has no such document. */
  toDocument(rows: unknown, key: string): Loaded<Data> | undefined;
}

type EventOf<Definition> =
  Definition extends EventDefinition<infer Type, infer Data> ? RecordedEvent<Type, Data> : never;

/** Events of these types affect the keys that `keys` returns. */
export function when<Definition extends EventDefinition>(
  definitions: readonly Definition[],
  keys: (event: EventOf<Definition>) => readonly string[],
): Trigger {
  return {
    types: definitions.map(({ type }) => type),
    // Events are upcast and validated by their definition before any trigger sees them.
    keys: (event) => keys(event as EventOf<Definition>),
  };
}

/** Defines a read model: its documents are computed from state, so the order of events does not matter. */
export function defineView<Row, Data>(definition: {
  name: string;
  /** Raise it when the document's shape changes; a rebuild fills the new one. */
  shapeVersion: number;
  triggers: readonly Trigger[];
  inlineOn?: readonly EventDefinition[];
  query(db: Database, key: string): Statement & PromiseLike<Row[]>;
  toDocument(rows: Row[], key: string): Loaded<Data> | undefined;
}): View<Data> {
  const { name, shapeVersion, triggers, inlineOn = [], query, toDocument } = definition;
  const id = `${name}@${shapeVersion}`;
  return {
    name,
    id,
    triggers,
    inlineOn: inlineOn.map(({ type }) => type),
    kvKey: (key) => `${id}:${key}`,
    query,
    // The rows are those of this view's own query.
    toDocument: (rows, key) => toDocument(rows as Row[], key),
  };
}

/** A document to project: a view's id and key, and the event position that the document must include. */
export interface Target {
  view: string;
  key: string;
  position: number;
}

/** The documents that an event affects. */
export function targetsOf(views: readonly View[], event: RecordedEvent): Target[] {
  return views.flatMap(({ id, triggers }) =>
    triggers
      .filter(({ types }) => types.includes(event.type))
      .flatMap((trigger) => trigger.keys(event).map((key) => ({ view: id, key, position: event.position }))),
  );
}
