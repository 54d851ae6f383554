import type * as z from 'zod';
import { smtpVariables, variables } from './config-variables';
import type { EmailConfig, Mailbox, SmtpConfig } from './email/email-config';
import type { Sellers } from './items/sellers';
import { ConfigError } from './platform/errors';
import type { LogFormat } from './platform/logger';

/** The page of src/auth/pages.ts. */
export const resetPagePath = '/reset-password';
/** The page of src/users/confirm-page.ts. */
export const confirmPagePath = '/confirm-email';

export interface Config {
  issuer: string;
  audience: string;
  epoch: string;
  /** The first secret signs tokens; all secrets verify tokens. */
  tokenSecrets: readonly [string, ...string[]];
  /** The secret with which a program may read the metrics, and nothing else. */
  metricsToken: string | undefined;
  email: EmailConfig;
  /** The name of the shop, as customers read it. */
  brand: string;
  /** The origin at which clients reach the Worker. */
  publicUrl: string;
  passwordResetUrl: string;
  emailConfirmationUrl: string;
  firstAdmin: { email: string; password: string } | undefined;
  /** Who may sell items. */
  sellers: Sellers;
  /** The number of the first order; a later order never has a lower one. */
  firstOrderNumber: number;
  /** How many seconds after their commit 99 of 100 events should be in the read models. */
  lagTargetSeconds: number;
  corsOrigins: readonly string[];
  logFormat: LogFormat;
}

function parseMailbox(text: string): Mailbox {
  const [, name, email = text] = /^(.*?)\s*<(.+)>$/.exec(text) ?? [];
  return name ? { name, email } : { email };
}

function toSmtpConfig(vars: z.infer<typeof smtpVariables>): SmtpConfig {
  const { SMTP_HOST, SMTP_PORT, SMTP_SECURE, SMTP_STARTTLS, SMTP_USERNAME: username, SMTP_PASSWORD: password } = vars;
  const server = { host: SMTP_HOST, port: SMTP_PORT, secure: SMTP_SECURE, startTls: SMTP_STARTTLS };
  return username && password ? { ...server, credentials: { username, password } } : server;
}

/** The message of a variable that is not there; a wrong value has the message of its schema. */
const describeMissing: z.core.$ZodErrorMap = ({ input }) => (input === undefined ? 'is missing' : undefined);

/** Validates variables and secrets. @throws ConfigError that names every wrong one */
function readVariables(env: object) {
  const all = variables.safeParse(env, { error: describeMissing });
  const isSmtp = 'EMAIL_TRANSPORT' in env && env.EMAIL_TRANSPORT === 'smtp';
  const smtp = isSmtp ? smtpVariables.safeParse(env, { error: describeMissing }) : undefined;
  const issues = [...(all.error?.issues ?? []), ...(smtp?.error?.issues ?? [])];
  if (!all.success || issues.length > 0) {
    const problems = issues.map(({ path, message }) => `${path.join('.')} ${message}`);
    throw new ConfigError(`The configuration is not usable: ${problems.join('; ')}`);
  }
  return { vars: all.data, smtp: smtp?.data };
}

const loadedConfigs = new WeakMap<object, Config>();

/** Validates variables and secrets, once for each environment. @throws ConfigError that names every wrong variable */
export function loadConfig(env: object): Config {
  const cached = loadedConfigs.get(env);
  if (cached) return cached;
  const { vars, smtp } = readVariables(env);
  const { FIRST_ADMIN_EMAIL: email, FIRST_ADMIN_PASSWORD: password, TOKEN_SECRET_PREVIOUS: previous } = vars;
  const from = { name: vars.BRAND, ...parseMailbox(vars.EMAIL_FROM) };
  const publicUrl = new URL(vars.PUBLIC_URL ?? vars.ISSUER).origin;
  const config: Config = {
    issuer: vars.ISSUER,
    audience: vars.AUDIENCE,
    epoch: vars.EPOCH,
    tokenSecrets: previous === undefined ? [vars.TOKEN_SECRET] : [vars.TOKEN_SECRET, previous],
    metricsToken: vars.METRICS_TOKEN,
    email: smtp
      ? { from, transport: 'smtp', smtp: toSmtpConfig(smtp) }
      : { from, transport: vars.EMAIL_TRANSPORT === 'cloudflare' ? 'cloudflare' : 'console' },
    brand: vars.BRAND,
    publicUrl,
    passwordResetUrl: vars.PASSWORD_RESET_URL ?? `${publicUrl}${resetPagePath}`,
    emailConfirmationUrl: vars.EMAIL_CONFIRMATION_URL ?? `${publicUrl}${confirmPagePath}`,
    firstAdmin: email && password ? { email, password } : undefined,
    sellers: vars.SELLERS,
    firstOrderNumber: vars.FIRST_ORDER_NUMBER,
    lagTargetSeconds: vars.LAG_TARGET_SECONDS,
    corsOrigins: vars.CORS_ORIGINS ?? [],
    logFormat: vars.LOG_FORMAT,
  };
  loadedConfigs.set(env, config);
  return config;
}
