import { createCloudflareEmailSender } from './cloudflare-email-sender';
import { createConsoleEmailSender } from './console-email-sender';
import type { EmailConfig } from './email-config';
import type { EmailSender } from './email-sender';

/** The sender that the configuration chooses. */
export function createEmailSender(config: EmailConfig, binding: SendEmail): EmailSender {
  switch (config.transport) {
    case 'cloudflare':
      return createCloudflareEmailSender(binding, config.from);
    case 'smtp': {
      const { from, smtp } = config;
      // Loaded when it is needed: it is the one module that only workerd can load.
      const loading = import('./smtp-email-sender').then((module) => module.createSmtpEmailSender(smtp, from));
      return { send: async (message) => (await loading).send(message) };
    }
    case 'console':
      return createConsoleEmailSender();
  }
}
