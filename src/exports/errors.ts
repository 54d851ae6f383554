import { defineError } from '../platform/errors';

/** The errors of exports. */
export const exportErrors = {
  notYours: defineError({
    code: 'exports.not-yours',
    kind: 'forbidden',
    meaning: 'The data of an account is exported for the account itself and for admins only.',
    remedy: 'Export the account to which the access token belongs.',
    text: ({ userId }: { userId: string }) =>
      `The data of the account ${userId} is not yours. Only the account itself and admins can export it.`,
  }),
  unreadableEvent: defineError({
    code: 'exports.unreadable-event',
    kind: 'unavailable',
    meaning:
      'An event of the span was recorded by a newer release, or its row is damaged, so this release cannot export it. Nothing is left out silently.',
    remedy: 'Ask for a span without it, or wait until operators have deployed the newer release or corrected the row.',
    text: ({ position }: { position: number; retryAfterSeconds: number }) =>
      `This release cannot read the event at position ${position}, and an export leaves out nothing. Try again later.`,
  }),
  accountNotFound: defineError({
    code: 'exports.account-not-found',
    kind: 'not-found',
    meaning: 'No account has this id, or the account was deleted with its personal data.',
    remedy: 'Check the id.',
    text: ({ userId }: { userId: string }) => `There is no account ${userId}. Check the id.`,
  }),
};
