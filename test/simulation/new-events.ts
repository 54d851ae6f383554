import * as z from 'zod';
import type * as Events from '../../src/cqrs/log/event';
import type * as Views from '../../src/cqrs/reading/view';
import type * as Reactions from '../../src/notifications/reaction';

// What a new version of the Worker may change in its events: it records another type for the same fact, and a field more.
// It still reads what older versions have recorded; an older version can read neither.

type EventModule = typeof Events;
type Definition = Parameters<EventModule['defineEvent']>[0];
type Defined = ReturnType<EventModule['defineEvent']>;

/** The types that the new version records instead of others. */
const newTypes: Readonly<Record<string, string>> = { OrderShipped: 'OrderDispatched' };
const oldTypes = Object.fromEntries(Object.entries(newTypes).map(([old, type]) => [type, old]));
/** The type whose data has a field more from the new version on. */
const extended = 'OrderPlaced';

/** The name of an event for the reference model, whose events have no versions. */
export function modelType(type: string): string {
  return oldTypes[type] ?? type;
}

/** The event module of the new version. */
export function withNewEvents(original: EventModule): EventModule {
  const retired: Defined[] = [];
  const defineEvent = (definition: Definition): Defined => {
    const { type, schema, upcasters = [] } = definition;
    const newType = newTypes[type];
    if (newType !== undefined) {
      retired.push(original.defineEvent(definition));
      return original.defineEvent({ ...definition, type: newType });
    }
    if (type !== extended) return original.defineEvent(definition);
    const defined: Defined = original.defineEvent({
      ...definition,
      schema: (schema as z.ZodObject).extend({ channel: z.enum(['web', 'unknown']) }),
      upcasters: [...upcasters, original.upcaster(schema as z.ZodObject, (data) => ({ ...data, channel: 'unknown' }))],
    });
    const create: Defined['create'] = (id, version, data) =>
      defined.create(id, version, { ...(data as object), channel: 'web' });
    return { ...defined, create };
  };
  return {
    ...original,
    defineEvent: defineEvent as EventModule['defineEvent'],
    createEventCatalogue: (definitions) => original.createEventCatalogue([...definitions, ...retired]),
  };
}

/** Lets the new version send the e-mails of events that an older version has recorded. */
export function withOldReactions(createReactions: (typeof Reactions)['createReactions']) {
  return ((registrations, services) => {
    const reactions = createReactions(registrations, services);
    const retired = [...reactions].flatMap(([type, react]) => {
      const old = oldTypes[type];
      return old === undefined ? [] : [[old, react] as const];
    });
    return new Map([...reactions, ...retired]);
  }) as (typeof Reactions)['createReactions'];
}

/** Makes triggers that list the old type beside the new one, because the log has both. */
export function withOldTypes(when: (typeof Views)['when']): (typeof Views)['when'] {
  return (definitions, keys) => {
    const trigger = when(definitions, keys);
    const types = trigger.types.flatMap((type) => [type, ...(oldTypes[type] === undefined ? [] : [oldTypes[type]])]);
    return { ...trigger, types };
  };
}
