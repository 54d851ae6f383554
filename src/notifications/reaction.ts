import type { EventDefinition, NewEvent, RecordedEvent } from '../cqrs/log/event';
import type { Notification } from './notification';

/** The notification that follows an event; undefined for an event of which nobody is told. */
export type Reaction = (event: RecordedEvent) => Promise<Notification | undefined> | Notification | undefined;

/** A type of event of which somebody is told. */
export interface Registration<Services> {
  type: string;
  /** Whether somebody may be told of an event with this data. An event of which nobody is told gets no delivery. */
  concerns(data: unknown): boolean;
  /** The account that is told only if it wants e-mails when the event is recorded; undefined if it is told in any case. */
  onlyIfWantedBy(data: unknown): string | undefined;
  create(services: Services): Reaction;
}

/** Registers the notification of an event type. @param concerns selects the events of the type; without it, all of them */
export function on<Data, Services>(
  { type }: EventDefinition<string, Data>,
  create: (services: Services) => Reaction,
  concerns: (data: Data) => boolean = () => true,
): Registration<Services> {
  // Events are validated before they are written, and before they are handled.
  return { type, concerns: (data) => concerns(data as Data), onlyIfWantedBy: () => undefined, create };
}

/**
 * Registers the notification of the customer of an order or a ticket, who is told only if they want e-mails. An event without a
 * customer concerns nobody.
 */
export function onForCustomer<Data extends { customerId: string | null }, Services>(
  definition: EventDefinition<string, Data>,
  create: (services: Services) => Reaction,
  concerns: (data: Data) => boolean = () => true,
): Registration<Services> {
  return {
    ...on(definition, create, (data) => data.customerId !== null && concerns(data)),
    // Events are validated before they are written.
    onlyIfWantedBy: (data) => (data as Data).customerId ?? undefined,
  };
}

/** Finds what somebody may be told of an event; undefined for an event of which nobody is told. */
export function findRegistration(
  registrations: readonly Registration<never>[],
  { type, data }: NewEvent,
): Registration<never> | undefined {
  return registrations.find((registration) => registration.type === type && registration.concerns(data));
}

/** The reactions by the type of the event. */
export function createReactions<Services>(
  registrations: readonly Registration<Services>[],
  services: Services,
): ReadonlyMap<string, Reaction> {
  return new Map(
    registrations.map(({ type, concerns, create }) => {
      const react = create(services);
      return [type, (event) => (concerns(event.data) ? react(event) : undefined)];
    }),
  );
}
