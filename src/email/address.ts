import { EmailError, type Refusal } from './email-sender';

/** An address as RFC 5321 writes it without quotes and in ASCII; accounts and the configuration have no other ones. */
export const addressPattern = /[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+/;

const address = new RegExp(`^${addressPattern.source}$`);
/** The longest address that fits into a command of SMTP (RFC 5321, 4.5.3.1.3). */
const longestAddress = 254;

/**
 * Returns the address, which then has no character with a meaning in a header or in a command.
 * @param refusal who can correct another text: `recipient` for the address of an account
 * @throws EmailError for anything else; no later try can succeed
 */
export function requireAddress(email: string, refusal: Refusal = 'for-good'): string {
  if (email.length <= longestAddress && address.test(email)) return email;
  throw new EmailError('INVALID_ADDRESS', refusal);
}
