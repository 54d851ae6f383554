import type { Clock } from '../platform/clock';
import { createCloudflareEmailSender } from './cloudflare-email-sender';
import { createConsoleEmailSender } from './console-email-sender';
import type { EmailConfig } from './email-config';
import type { EmailSender } from './email-sender';
import { createSmtpEmailSender } from './smtp-email-sender';

/** Makes the sender that the configuration chooses. */
export function createEmailSender(config: EmailConfig, binding: SendEmail, clock: Clock): EmailSender {
  switch (config.transport) {
    case 'cloudflare':
      return createCloudflareEmailSender(binding, config.from);
    case 'smtp': {
      const { from, smtp } = config;
      return {
        async send(message, signal) {
          // Loaded only when it is needed, because Node, which runs some of the tests, does not have this module.
          const { connect } = await import('cloudflare:sockets');
          await createSmtpEmailSender(smtp, from, connect, clock).send(message, signal);
        },
      };
    }
    case 'console':
      return createConsoleEmailSender();
  }
}
