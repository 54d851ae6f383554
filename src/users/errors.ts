import { defineError } from '../platform/errors';

/** The errors of accounts and settings. */
export const userErrors = {
  notFound: defineError({
    code: 'users.not-found',
    kind: 'not-found',
    meaning: 'No account has this id, or the account belongs to somebody else and your role may not see the account.',
    remedy: 'Check the id. A customer sees their own account only.',
    text: ({ userId }: { userId: string }) => `There is no account ${userId} that you may see. Check the id.`,
  }),
  notYours: defineError({
    code: 'users.not-yours',
    kind: 'forbidden',
    meaning: 'The account belongs to somebody else. Only the account itself and admins may change or delete it.',
    remedy: 'Use the token of the account itself or of an admin.',
    text: ({ userId }: { userId: string }) => `Only the account ${userId} itself or an admin may do this.`,
  }),
  emailTaken: defineError({
    code: 'users.email-taken',
    kind: 'already-exists',
    meaning: 'Another account has this e-mail address. Addresses are compared without regard to case.',
    remedy: 'Sign in with the address, ask for a password reset, or use another address.',
    // The address itself is personal data, so it is not among the details.
    text: (_: { field: 'email' }) =>
      'Another account has this e-mail address. Sign in with it, or use another address.',
  }),
  emailConfirmed: defineError({
    code: 'users.email-confirmed',
    kind: 'conflict',
    meaning:
      'The address of the account is confirmed already, and no change of it is pending, so there is nothing to confirm.',
    remedy: 'Nothing is left to do. To change the address, send the new one with PATCH.',
    text: ({ userId }: { userId: string }) =>
      `The address of the account ${userId} is confirmed already. Nothing is left to do.`,
  }),
  invalidConfirmation: defineError({
    code: 'users.invalid-confirmation',
    kind: 'invalid',
    meaning: 'The token is not one of a link that confirms an e-mail address, or it was not copied completely.',
    remedy: 'Open the link of the e-mail as it is.',
    text: () => 'This is not the token of a link that we have mailed. Open the link of the e-mail as it is.',
  }),
  confirmationUsed: defineError({
    code: 'users.confirmation-used',
    kind: 'invalid',
    meaning: 'The link has confirmed its address before. It works once.',
    remedy: 'Nothing is left to do if it was you: the address was confirmed then.',
    text: () => 'This link was used before, and the address was confirmed then. Nothing is left to do.',
  }),
  confirmationEnded: defineError({
    code: 'users.confirmation-ended',
    kind: 'invalid',
    meaning:
      'The link is older than a week, or was ended: by a newer link, a new password, a change of the address, or because the account is inactive or deleted.',
    remedy: 'Sign in, and ask for a new link or send the new address again.',
    text: () => 'This link has expired, or a newer one has replaced it. Sign in, and ask for a new link.',
  }),
  lastAdmin: defineError({
    code: 'users.last-admin',
    kind: 'conflict',
    meaning: 'The account is the only active admin, and without one nobody could administer the installation.',
    remedy: 'Give another account the role admin first.',
    text: ({ userId }: { userId: string }) =>
      `The account ${userId} is the only active admin. Give another account the role admin first.`,
  }),
  passwordRequired: defineError({
    code: 'users.password-required',
    kind: 'invalid',
    meaning: 'A change of the e-mail address or the password needs the current password of the caller.',
    remedy: 'Send `currentPassword` with the change.',
    text: () => 'This change needs your current password. Send it as currentPassword.',
  }),
  wrongPassword: defineError({
    code: 'users.wrong-password',
    kind: 'invalid',
    meaning: 'The current password that was sent is not the caller’s.',
    remedy: 'Correct `currentPassword`, or ask for a password reset.',
    text: () => 'The current password is wrong. Correct it, or ask for a password reset.',
  }),
};
