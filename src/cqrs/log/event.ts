import type { z } from 'zod';

/** Who wants to hear of events, each over a queue of its own; `events` are consumers that are not ours. */
export const subscriptions = ['projections', 'emails', 'analytics', 'events'] as const;
export type Subscription = (typeof subscriptions)[number];

/** Where an event came from: enough for an audit trail, nothing personal. */
export interface EventMetadata {
  commandId: string;
  /** The user who acted; absent for a visitor or the system. */
  actorId?: string | undefined;
  requestId: string;
  traceparent?: string | undefined;
}

/** An event as it is recorded by a command: `version` is the stream's version after it. */
export interface NewEvent<Type extends string = string, Data = unknown> {
  type: Type;
  streamType: string;
  streamId: string;
  version: number;
  schemaVersion: number;
  data: Data;
}

/** An event as the log holds it. `position` is the global order; `occurredAt` is ISO 8601. */
export interface RecordedEvent<Type extends string = string, Data = unknown> extends NewEvent<Type, Data> {
  position: number;
  id: string;
  metadata: EventMetadata;
  occurredAt: string;
}

/** Lifts the data of one schema version to the next one. */
export type Upcaster = (data: unknown) => unknown;

/**
 * The definition of an event type: its newest schema, and how each older version is lifted to it
 * (`upcasters[0]` lifts version 1 to 2, and so on), so that there is exactly one newest shape to handle.
 */
export interface EventDefinition<Type extends string = string, Data = unknown> {
  type: Type;
  streamType: string;
  schemaVersion: number;
  schema: z.ZodType<Data>;
  upcasters: readonly Upcaster[];
  /** Makes the event for a stream that has `version` after it. */
  create(streamId: string, version: number, data: Data): NewEvent<Type, Data>;
}

/** Defines an event type. Data holds ids and facts about the change, never names, addresses or texts. */
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

/** Every known event type, by name. */
export type EventCatalogue = ReadonlyMap<string, EventDefinition>;

export function createEventCatalogue(definitions: readonly EventDefinition[]): EventCatalogue {
  return new Map(definitions.map((definition) => [definition.type, definition]));
}

/**
 * Lifts an event of any past version to the newest shape and validates it.
 * @throws Error for an unknown type, a version from the future, or data that does not fit.
 */
export function upcast(catalogue: EventCatalogue, event: RecordedEvent): RecordedEvent {
  const definition = catalogue.get(event.type);
  if (!definition) throw new Error(`unknown event type ${event.type}`);
  if (event.schemaVersion < 1 || event.schemaVersion > definition.schemaVersion) {
    throw new Error(`unknown schema version ${event.schemaVersion} of ${event.type}`);
  }
  const lifted = definition.upcasters.slice(event.schemaVersion - 1).reduce((data, lift) => lift(data), event.data);
  return { ...event, schemaVersion: definition.schemaVersion, data: definition.schema.parse(lifted) };
}
