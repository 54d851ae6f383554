import { defineError } from '../platform/errors';

/** The errors of the operations API. */
export const operationsErrors = {
  viewNotFound: defineError({
    code: 'projections.not-found',
    kind: 'not-found',
    meaning: 'No read model has this name.',
    remedy: 'Take a name from GET /v1/operations/projections.',
    text: ({ view }: { view: string }) => `There is no read model ${view}. GET /v1/operations/projections lists them.`,
  }),
  rebuildNotFound: defineError({
    code: 'rebuilds.not-found',
    kind: 'not-found',
    meaning: 'No rebuild has this id.',
    remedy: 'Take an id from GET /v1/operations/rebuilds.',
    text: ({ rebuildId }: { rebuildId: string }) =>
      `There is no rebuild ${rebuildId}. GET /v1/operations/rebuilds lists the latest.`,
  }),
  rebuildRunning: defineError({
    code: 'rebuilds.running',
    kind: 'conflict',
    meaning: 'A rebuild of this read model is running, and two rebuilds of one read model cannot run at the same time.',
    remedy: 'Wait for the running rebuild, or cancel it first. GET /v1/operations/rebuilds shows it.',
    text: ({ view }: { view: string }) =>
      `A rebuild of the read model ${view} is running already. Wait for the rebuild, or cancel it first.`,
  }),
  rebuildEnded: defineError({
    code: 'rebuilds.over',
    kind: 'conflict',
    meaning: 'The rebuild has ended, so it cannot be cancelled.',
    remedy: 'Start a new rebuild if the read model needs one.',
    text: ({ status }: { status: string }) =>
      `This rebuild is ${status}, so it cannot be cancelled. Start a new one if the read model needs it.`,
  }),
  deadLetterNotFound: defineError({
    code: 'dead-letters.not-found',
    kind: 'not-found',
    meaning: 'No dead letter has this id. It may have been replayed or discarded.',
    remedy: 'Take an id from GET /v1/operations/dead-letters.',
    text: ({ position, subscription }: { position: number; subscription: string | undefined }) =>
      `There is no dead letter ${position}-${subscription ?? '*'}. It may have been replayed or discarded.`,
  }),
  decisionNotFound: defineError({
    code: 'dead-letters.decision-not-found',
    kind: 'not-found',
    meaning: 'No replay or discard of dead letters has this number.',
    remedy: 'Take the `version` of an event from GET /v1/operations/events?stream=dead-letters/all.',
    text: ({ decision }: { decision: number }) => `No replay or discard of dead letters has the number ${decision}.`,
  }),
  eventNotFound: defineError({
    code: 'events.not-found',
    kind: 'not-found',
    meaning: 'The event log has no event at this position.',
    remedy: 'Take a position from GET /v1/operations/events.',
    text: ({ position }: { position: number }) => `The event log has no event at position ${position}.`,
  }),
  eventSchemaNotFound: defineError({
    code: 'event-schemas.not-found',
    kind: 'not-found',
    meaning: 'No event has this type and this version of its data.',
    remedy: 'Take a type from GET /v1/events/catalogue, and a version from 1 to its `schemaVersion`.',
    // It repeats nothing of the address, which can be long.
    text: ({ catalogue }: { catalogue: string }) => `No event has this type and version. GET ${catalogue} lists them.`,
  }),
};
