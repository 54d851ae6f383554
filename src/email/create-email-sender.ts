import type { EmailConfig } from '../config';
import { createCloudflareEmailSender } from './cloudflare-email-sender';
import { createConsoleEmailSender } from './console-email-sender';
import type { EmailSender } from './email-sender';
import { createSmtpEmailSender } from './smtp-email-sender';

/** The sender that the configuration chooses. */
export function createEmailSender(config: EmailConfig, binding: SendEmail): EmailSender {
  switch (config.transport) {
    case 'cloudflare':
      return createCloudflareEmailSender(binding, config.from);
    case 'smtp':
      return createSmtpEmailSender(config.smtp, config.from);
    case 'console':
      return createConsoleEmailSender();
  }
}
