import type { Reaction } from '../notifications/reaction';
import { PasswordResetRequested } from './events';
import type { ResetTokens } from './secret-token';
import { lifetimes } from './session';

/** Sends the link that confirms a reset. The token is in the link's fragment, which no server's log receives. */
export function linkOnPasswordResetRequested(options: { resetTokens: ResetTokens; resetUrl: string }): Reaction {
  return ({ data, streamId }) => ({
    userId: PasswordResetRequested.schema.parse(data).userId,
    kind: 'password-reset',
    facts: {
      url: `${options.resetUrl}#token=${options.resetTokens.tokenFor(streamId)}`,
      validMinutes: lifetimes.passwordResetMs / 60_000,
    },
  });
}
