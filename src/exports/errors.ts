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
  accountNotFound: defineError({
    code: 'exports.account-not-found',
    kind: 'not-found',
    meaning: 'No account has this id, or the account was deleted with its personal data.',
    remedy: 'Check the id.',
    text: ({ userId }: { userId: string }) => `There is no account ${userId}. Check the id.`,
  }),
};
