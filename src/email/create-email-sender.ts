import { resolve4 } from 'node:dns/promises';
import type { Clock } from '../platform/clock';
import { createCloudflareEmailSender } from './cloudflare-email-sender';
import { createConsoleEmailSender } from './console-email-sender';
import type { EmailConfig } from './email-config';
import type { EmailSender } from './email-sender';
import { createSmtpEmailSender } from './smtp-email-sender';

/** Asks the public DNS, which knows neither addresses nor the names of a local network. */
async function hasHost(hostname: string): Promise<boolean> {
  if (/^[\d.]+$|:/.test(hostname) || !hostname.includes('.')) return true;
  try {
    await resolve4(hostname);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ENOTFOUND');
  }
}

/** Makes the sender that the configuration chooses. */
export function createEmailSender(config: EmailConfig, binding: SendEmail, clock: Clock): EmailSender {
  switch (config.transport) {
    case 'cloudflare':
      return createCloudflareEmailSender(binding, config.from);
    case 'smtp': {
      const { from, smtp } = config;
      return {
        async send(message, attempt) {
          // Loaded only when it is needed, because Node, which runs some of the tests, does not have this module.
          const { connect } = await import('cloudflare:sockets');
          await createSmtpEmailSender(smtp, from, { connect, hasHost }, clock).send(message, attempt);
        },
      };
    }
    case 'console':
      return createConsoleEmailSender(config.from);
  }
}
