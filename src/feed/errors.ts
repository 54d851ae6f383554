import { defineError } from '../platform/errors';

/** The errors of the feed of events. */
export const feedErrors = {
  otherEpoch: defineError({
    code: 'events.other-epoch',
    kind: 'conflict',
    meaning:
      'The checkpoint belongs to another history of the database. It was restored since, and other events have the positions after the restored moment.',
    remedy:
      'Ask the operators for the last position that still counts, undo what you made of later events, and go on after that position with the new epoch. A store that can be made again begins at 0.',
    text: ({ epoch }: { epoch: string }) =>
      `The database was restored, and its epoch is ${epoch} now. Undo what you made of the events that were taken back, then go on after the last position that still counts.`,
  }),
  unknownPosition: defineError({
    code: 'events.unknown-position',
    kind: 'conflict',
    meaning: 'The log has no event at this position yet, so the checkpoint cannot be one of this installation.',
    remedy:
      'Send the `nextAfter` of an earlier answer unchanged. After a restore of the database, wait until the operators tell you the new epoch.',
    text: ({ after, end }: { after: number; end: number }) =>
      `The log ends at position ${end}, before position ${after}. Send the nextAfter of an earlier answer.`,
  }),
  unreadable: defineError({
    code: 'events.unreadable',
    kind: 'unavailable',
    meaning:
      'The next event was recorded by a newer release, or its row is damaged, so this release cannot read it. The feed stops before it and leaves out nothing.',
    remedy:
      'Wait and send the request again. If the code stays, operators have to deploy the newer release or correct the row.',
    text: ({ position }: { position: number; retryAfterSeconds: number }) =>
      `This release cannot read the event at position ${position}, and the feed leaves out nothing. Try again later.`,
  }),
  unknownType: defineError({
    code: 'events.unknown-type',
    kind: 'bad-request',
    meaning: 'A type in `types` is not in the catalogue of events. A misspelt filter would silently find nothing.',
    remedy: 'Take the types from GET /v1/events/catalogue.',
    text: ({ catalogue }: { catalogue: string }) =>
      `A type in the parameter types is not in the catalogue. GET ${catalogue} lists all types.`,
  }),
};
