import * as z from 'zod';

/** How many characters a new password has. */
export const passwordLength = { min: 12, max: 128 };

/** A new password. NIST SP 800-63B asks for length, not for kinds of characters. The upper bound limits the cost. */
export const newPassword = z
  .string()
  .min(passwordLength.min)
  .max(passwordLength.max)
  .meta({ examples: ['correct horse battery'] });

/** An existing password, which may be older than the rules for new ones. */
export const anyPassword = z.string().min(1).max(128);
