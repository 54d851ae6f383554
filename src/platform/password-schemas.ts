import { z } from 'zod';

/** A new password. NIST SP 800-63B asks for length, not for kinds of characters. The upper bound limits the cost. */
export const newPassword = z
  .string()
  .min(12)
  .max(128)
  .meta({ examples: ['correct horse battery staple'] });

/** An existing password, which may be older than the rules for new ones. */
export const anyPassword = z.string().min(1).max(128);
