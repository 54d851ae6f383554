import { z } from 'zod';
import type { EmailLimit } from '../email/email-limiter';
import type { EmailReaction } from '../email/reaction';
import type { FindRecipient } from '../email/recipient';
import { passwordResetEmail } from '../email/templates';
import type { ResetTokens } from './secret-token';
import { lifetimes } from './session';

/**
 * The command lets one account have a link every five minutes. This limit is for several accounts that have one address
 * after each other. It is shorter, so that it never holds back the only link of an account that is valid.
 */
const betweenAccounts: EmailLimit = { kind: 'password-reset', everyMs: lifetimes.betweenResetsMs - 60_000 };

const dataSchema = z.object({ userId: z.uuid() });

/** Sends the link that confirms a reset. The token is in the link's fragment, which no server's log receives. */
export function sendResetEmailOnPasswordResetRequested(options: {
  findRecipient: FindRecipient;
  resetTokens: ResetTokens;
  resetUrl: string;
  brand: string;
}): EmailReaction {
  return async (event) => {
    const recipient = await options.findRecipient(dataSchema.parse(event.data).userId);
    if (!recipient) return undefined;
    const link = `${options.resetUrl}#token=${options.resetTokens.tokenFor(event.streamId)}`;
    const validMinutes = lifetimes.passwordResetMs / 60_000;
    return {
      to: recipient,
      messageId: event.id,
      limit: betweenAccounts,
      ...passwordResetEmail({ ...recipient, brand: options.brand, link, validMinutes }),
    };
  };
}
