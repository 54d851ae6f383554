import type { Database, Statement } from '../../platform/d1';
import type { EventDefinition, RecordedEvent } from '../log/event';
import { defineKeyedQuery, type RowsOf } from './keyed-query';

/** The content of a document, made from rows of D1. `version` is the aggregate's version and becomes the ETag. */
export interface Loaded<Data> {
  version: number;
  /** Distinguishes documents of the same version whose other parts differ, such as counts from other domains. */
  revision?: string | undefined;
  data: Data;
}

/** A document as KV stores it. */
export interface Document<Data = unknown> extends Loaded<Data> {
  /** The event position up to which the data is complete. */
  asOf: number;
  /** Milliseconds since the Unix epoch: a moment just before the data was loaded. */
  projectedAt: number;
  epoch: string;
}

/** The keys of a view that an event of these types touches: a pure function of the event. */
export interface Trigger {
  types: readonly string[];
  keys(event: RecordedEvent): readonly string[];
}

export interface View<Data = unknown> {
  name: string;
  /** The name with the shape version (`ticket@2`). Every key in KV starts with it, so a new shape starts empty. */
  id: string;
  triggers: readonly Trigger[];
  /** The types of events that touch the view, each once and in a fixed order. */
  types: readonly string[];
  /** The types of events for which the command itself projects this view before its response. */
  inlineOn: readonly string[];
  /** How long a document rests after it was put, in milliseconds: the events of this time share the next put. */
  restMs?: number | undefined;
  /** The key in KV (`ticket@2:{key}`). */
  kvKey(key: string): string;
  /** The one statement that reads everything that the documents of these keys need; its result is a {@link RowsOf}. */
  query(db: Database, keys: readonly string[]): Statement;
  /**
   * Makes the document of a key from the result of `query`; undefined when the write model has no such document.
   * @throws the key's own error
   */
  toDocument(rowsOf: RowsOf, key: string): Loaded<Data> | undefined;
}

type EventOf<Definition> =
  Definition extends EventDefinition<infer Type, infer Data> ? RecordedEvent<Type, Data> : never;

/** Makes a trigger: an event of these types touches the keys that `keys` returns. */
export function when<Definition extends EventDefinition>(
  definitions: readonly Definition[],
  keys: (event: EventOf<Definition>) => readonly string[],
): Trigger {
  return {
    types: definitions.map(({ type }) => type),
    // Every event is upcast and validated by its definition before a trigger receives it.
    keys: (event) => keys(event as EventOf<Definition>),
  };
}

/** Defines a read model, whose documents are computed from state, so that the order of events does not matter. */
export function defineView<Row, Data>(definition: {
  name: string;
  /** Raise this number when the shape of the documents changes; a rebuild then fills the new shape. */
  shapeVersion: number;
  triggers: readonly Trigger[];
  inlineOn?: readonly EventDefinition[];
  /** For a document that many events touch, and whose readers can wait. A read with a newer token asks D1 until then. */
  restMs?: number;
  /** Makes the query for the rows of all wanted keys (`isWanted`); its text is made once. */
  query(db: Database): PromiseLike<Row[]>;
  /** The column of the result that has the key of a row's document: `id`, unless another is named. */
  keyColumn?: string;
  /** Makes the document from the rows of its key. */
  toDocument(rows: Row[], key: string): Loaded<Data> | undefined;
}): View<Data> {
  const { name, shapeVersion, triggers, inlineOn = [], restMs, query, keyColumn = 'id', toDocument } = definition;
  const id = `${name}@${shapeVersion}`;
  return {
    name,
    id,
    triggers,
    types: [...new Set(triggers.flatMap(({ types }) => types))].sort(),
    inlineOn: inlineOn.map(({ type }) => type),
    restMs,
    kvKey: (key) => documentKey({ view: id, key }),
    query: defineKeyedQuery(query, keyColumn),
    // The rows come from this view's own query.
    toDocument: (rowsOf, key) => toDocument(rowsOf(key) as Row[], key),
  };
}

/** A read model's document: the view's id and the key. */
export interface ViewKey {
  view: string;
  key: string;
}

/** The key of a document in KV. */
export function documentKey({ view, key }: ViewKey): string {
  return `${view}:${key}`;
}

/** A document to project, and the event position that the document must include. */
export interface Target extends ViewKey {
  position: number;
  /** How long the key is left alone after it became free, in milliseconds. */
  restMs?: number | undefined;
}

/** The documents that an event touches. */
export function targetsOf(views: readonly View[], event: RecordedEvent): Target[] {
  return views.flatMap(({ id, triggers }) =>
    triggers
      .filter(({ types }) => types.includes(event.type))
      .flatMap((trigger) => trigger.keys(event).map((key) => ({ view: id, key, position: event.position }))),
  );
}
