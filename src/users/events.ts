import * as z from 'zod';
import { roles } from '../access/caller';
import { defineEvent } from '../cqrs/log/event';

const noData = z.strictObject({});

export const UserRegistered = defineEvent({
  type: 'UserRegistered',
  streamType: 'user',
  schema: z.strictObject({ role: z.enum(roles) }),
});

/** The event names the fields that changed, and not their values, which are personal data. */
export const UserUpdated = defineEvent({
  type: 'UserUpdated',
  streamType: 'user',
  schema: z.strictObject({ fields: z.array(z.enum(['name', 'email'])) }),
});

export const UserPasswordChanged = defineEvent({
  type: 'UserPasswordChanged',
  streamType: 'user',
  schema: z.strictObject({ by: z.enum(['change', 'reset']) }),
});

export const UserRoleChanged = defineEvent({
  type: 'UserRoleChanged',
  streamType: 'user',
  schema: z.strictObject({ role: z.enum(roles) }),
});

export const UserDeactivated = defineEvent({ type: 'UserDeactivated', streamType: 'user', schema: noData });
export const UserReactivated = defineEvent({ type: 'UserReactivated', streamType: 'user', schema: noData });
/** The sign-ins before 0.4.0. Since then a sign-in is the event `SessionStarted` of the session's stream. */
export const UserSignedIn = defineEvent({
  type: 'UserSignedIn',
  streamType: 'user',
  schema: z.strictObject({ sessionId: z.uuid() }),
});
export const UserDeleted = defineEvent({ type: 'UserDeleted', streamType: 'user', schema: noData });

/**
 * A link that confirms an address was made and is mailed: for a change of the address, or once more for the address that was not
 * confirmed yet. The link of a registration follows from `UserRegistered`.
 */
export const EmailConfirmationRequested = defineEvent({
  type: 'EmailConfirmationRequested',
  streamType: 'user',
  schema: z.strictObject({ purpose: z.enum(['change', 'again']), confirmationId: z.uuid() }),
});

/**
 * The address of the account was confirmed: by a link of its registration or of a change, by the link of a password reset, or
 * because the configuration names it. A change records `UserUpdated` with the field `email` in the same commit.
 */
export const UserEmailConfirmed = defineEvent({
  type: 'UserEmailConfirmed',
  streamType: 'user',
  schema: z.strictObject({
    by: z.enum(['registration', 'change', 'password-reset', 'configuration']),
    /** The link, where it was one that confirms addresses. */
    confirmationId: z.uuid().nullable(),
  }),
});

/** Nobody confirmed the new address in time, so the account keeps the address that it has. */
export const EmailChangeExpired = defineEvent({ type: 'EmailChangeExpired', streamType: 'user', schema: noData });

export const SettingsUpdated = defineEvent({
  type: 'SettingsUpdated',
  streamType: 'settings',
  schema: z.strictObject({ fields: z.array(z.enum(['locale', 'timezone', 'emailNotifications'])) }),
});

/** An agent or admin, whom the metadata names, has looked for accounts. What was looked for is personal data, and not in the event. */
export const UsersSearched = defineEvent({
  type: 'UsersSearched',
  streamType: 'user-search',
  schema: z.strictObject({ kind: z.enum(['email', 'name']), results: z.int().nonnegative() }),
});

export const userEvents = [
  UserRegistered,
  UserUpdated,
  UserPasswordChanged,
  UserRoleChanged,
  UserDeactivated,
  UserReactivated,
  UserSignedIn,
  UserDeleted,
  EmailConfirmationRequested,
  UserEmailConfirmed,
  EmailChangeExpired,
  SettingsUpdated,
  UsersSearched,
];
