import { createCloudflareEmailSender } from './cloudflare-email-sender';
import { createConsoleEmailSender } from './console-email-sender';
import type { EmailConfig } from './email-config';
import type { EmailSender } from './email-sender';

/** Makes the sender that the configuration chooses. */
export function createEmailSender(config: EmailConfig, binding: SendEmail): EmailSender {
  switch (config.transport) {
    case 'cloudflare':
      return createCloudflareEmailSender(binding, config.from);
    case 'smtp': {
      const { from, smtp } = config;
      // The module is loaded only when it is needed, because Node, which runs some of the tests, cannot load it.
      const loading = import('./smtp-email-sender').then((module) => module.createSmtpEmailSender(smtp, from));
      return { send: async (message) => (await loading).send(message) };
    }
    case 'console':
      return createConsoleEmailSender();
  }
}
