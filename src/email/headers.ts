import type { EmailMessage } from './email-sender';

/**
 * The headers that a sender adds to those of its own. Every e-mail is `Auto-Submitted` (RFC 3834), so that no mail program
 * answers it for its owner. What can be ended has `List-Unsubscribe` and `List-Unsubscribe-Post` (RFC 8058), which need an
 * address with https: Cloudflare refuses another one, and mail programs do not use it.
 */
export function headersOf({ unsubscribeUrl }: Pick<EmailMessage, 'unsubscribeUrl'>): Record<string, string> {
  const automatic = { 'Auto-Submitted': 'auto-generated' };
  if (!unsubscribeUrl?.startsWith('https://')) return automatic;
  return {
    ...automatic,
    'List-Unsubscribe': `<${unsubscribeUrl}>`,
    'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
  };
}
