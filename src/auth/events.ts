import * as z from 'zod';
import { defineEvent, upcaster } from '../cqrs/log/event';

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

/**
 * Why a session was revoked: its client signed out, one of its refresh tokens was used twice, or its owner or an admin took
 * it from the list of sessions.
 */
const reasons = ['logout', 'reuse', 'owner', 'admin'] as const;
export type RevocationReason = (typeof reasons)[number];

export const SessionRevoked = defineEvent({
  type: 'SessionRevoked',
  streamType: 'session',
  schema: z.strictObject({ reason: z.enum(reasons) }),
  // Version 1 knew fewer reasons.
  upcasters: [upcaster(z.strictObject({ reason: z.enum(['logout', 'reuse']) }), (data) => data)],
});

/** The token of the reset is derived from the stream's id and a secret, so the event does not contain it. */
export const PasswordResetRequested = defineEvent({
  type: 'PasswordResetRequested',
  streamType: 'password-reset',
  schema: z.strictObject({ userId: z.uuid() }),
});

export const authEvents = [SessionStarted, SessionRefreshed, SessionRevoked, PasswordResetRequested];
