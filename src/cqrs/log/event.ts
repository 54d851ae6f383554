import type * as z from 'zod';

/** The receivers of events, each with its own queue. `events` is for consumers of other teams. */
export const subscriptions = ['projections', 'emails', 'events'] as const;
export type Subscription = (typeof subscriptions)[number];

/** The origin of an event, for the audit trail, without personal data. */
export interface EventMetadata {
  commandId: string;
  /** The account that acted; absent for a visitor or the system. */
  actorId?: string | undefined;
  /** The API key with which the account acted; absent where a person had signed in. */
  keyId?: string | undefined;
  requestId: string;
  traceparent?: string | undefined;
}

/** An event as a command records it. `version` is the stream's version after the event. */
export interface NewEvent<Type extends string = string, Data = unknown> {
  type: Type;
  streamType: string;
  streamId: string;
  version: number;
  schemaVersion: number;
  data: Data;
}

/** What identifies an event. Positions repeat after a restore of the database; ids do not. */
export interface EventKey {
  position: number;
  id: string;
}

/** An event in the log. `position` is the global order; `occurredAt` is ISO 8601. */
export interface RecordedEvent<Type extends string = string, Data = unknown> extends NewEvent<Type, Data>, EventKey {
  metadata: EventMetadata;
  occurredAt: string;
}

/** A past version of an event's data: its schema, and the conversion to the next version. */
export interface Upcaster {
  schema: z.ZodType;
  convert(data: unknown): unknown;
}

/** Makes an upcaster whose conversion gets data of the schema. */
export function upcaster<Data>(schema: z.ZodType<Data>, convert: (data: Data) => unknown): Upcaster {
  return { schema, convert: (data) => convert(schema.parse(data)) };
}

/**
 * The definition of an event type: its newest schema, and the upcasters (`upcasters[0]` converts version 1 to version
 * 2, and so on). Handlers receive the newest shape only.
 */
export interface EventDefinition<Type extends string = string, Data = unknown> {
  type: Type;
  streamType: string;
  schemaVersion: number;
  schema: z.ZodType<Data>;
  upcasters: readonly Upcaster[];
  /** Makes an event; `version` is the stream's version after the event. */
  create(streamId: string, version: number, data: Data): NewEvent<Type, Data>;
}

/** Defines an event type. The data has ids and facts about the change, and no names, addresses or texts. */
export function defineEvent<Type extends string, Data>(definition: {
  type: Type;
  streamType: string;
  schema: z.ZodType<Data>;
  upcasters?: readonly Upcaster[];
}): EventDefinition<Type, Data> {
  const { type, streamType, schema, upcasters = [] } = definition;
  const schemaVersion = upcasters.length + 1;
  return {
    type,
    streamType,
    schemaVersion,
    schema,
    upcasters,
    create: (streamId, version, data) => ({ type, streamType, streamId, version, schemaVersion, data }),
  };
}

/** The schema of a version of an event's data; undefined for a version that the type never had. */
export function schemaOf({ schema, upcasters }: EventDefinition, version: number): z.ZodType | undefined {
  return [...upcasters.map((past) => past.schema), schema][version - 1];
}

/** Every known event type, by name. */
export type EventCatalogue = ReadonlyMap<string, EventDefinition>;

export function createEventCatalogue(definitions: readonly EventDefinition[]): EventCatalogue {
  return new Map(definitions.map((definition) => [definition.type, definition]));
}

/** An event that this release cannot read: its type or its schema version is unknown. */
export class UnreadableEventError extends Error {
  override readonly name = 'UnreadableEventError';
}

function definitionOf(catalogue: EventCatalogue, type: string): EventDefinition {
  const definition = catalogue.get(type);
  if (!definition) {
    throw new UnreadableEventError(`The event type ${type} is not in the catalogue: register it in domains.ts.`);
  }
  return definition;
}

/**
 * Validates an event before it is written, because an invalid event would fail in every consumer for ever.
 * @throws UnreadableEventError for an unknown type, a ZodError for data that does not fit
 */
export function requireValidEvent(catalogue: EventCatalogue, { type, data }: NewEvent): void {
  definitionOf(catalogue, type).schema.parse(data);
}

/**
 * Converts an event of any past version to the newest shape, and validates it.
 * @throws UnreadableEventError for an unknown type or a version that is newer than this release, a ZodError for data that
 * does not fit
 */
export function upcast(catalogue: EventCatalogue, event: RecordedEvent): RecordedEvent {
  const definition = definitionOf(catalogue, event.type);
  if (event.schemaVersion < 1 || event.schemaVersion > definition.schemaVersion) {
    throw new UnreadableEventError(
      `The event type ${event.type} has no schema version ${event.schemaVersion} in this release.`,
    );
  }
  const upcasters = definition.upcasters.slice(event.schemaVersion - 1);
  const newest = upcasters.reduce((data, { convert }) => convert(data), event.data);
  return { ...event, schemaVersion: definition.schemaVersion, data: definition.schema.parse(newest) };
}
