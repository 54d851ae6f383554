import { z } from 'zod';
import { defineEvent } from '../cqrs/log/event';

/** A sign-in. Before 0.4.0 a sign-in was the event `UserSignedIn` of the account's stream. */
export const SessionStarted = defineEvent({
  type: 'SessionStarted',
  streamType: 'session',
  schema: z.strictObject({ userId: z.uuid() }),
});

export const SessionRefreshed = defineEvent({
  type: 'SessionRefreshed',
  streamType: 'session',
  schema: z.strictObject({}),
});

export const SessionRevoked = defineEvent({
  type: 'SessionRevoked',
  streamType: 'session',
  schema: z.strictObject({ reason: z.enum(['logout', 'reuse']) }),
});

/** The token of the reset is derived from the stream's id and a secret, so the event does not contain it. */
export const PasswordResetRequested = defineEvent({
  type: 'PasswordResetRequested',
  streamType: 'password-reset',
  schema: z.strictObject({ userId: z.uuid() }),
});

export const authEvents = [SessionStarted, SessionRefreshed, SessionRevoked, PasswordResetRequested];
