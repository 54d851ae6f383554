import { z } from 'zod';

/** A password that is chosen now. NIST SP 800-63B: the length matters; the upper bound keeps hashing cheap. */
export const newPassword = z
  .string()
  .min(12)
  .max(128)
  .meta({ examples: ['correct horse battery staple'] });

/** A password that was chosen before, perhaps under other rules. */
export const anyPassword = z.string().min(1).max(128);
