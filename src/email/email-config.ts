/** An address with the name that e-mail programs show beside it. */
export interface Mailbox {
  name?: string;
  email: string;
}

export interface SmtpConfig {
  host: string;
  port: number;
  secure: boolean;
  startTls: boolean;
  credentials?: { username: string; password: string };
}

export type EmailConfig = { from: Mailbox } & (
  | { transport: 'cloudflare' | 'console' }
  | { transport: 'smtp'; smtp: SmtpConfig }
);
