import { z } from 'zod';
import { addressPattern } from './email/address';
import type { EmailConfig, Mailbox } from './email/email-config';
import { type Sellers, sellers } from './items/sellers';
import { ConfigError } from './platform/errors';
import type { LogFormat } from './platform/logger';

const isVaried = (value: string) => new Set(value).size >= 10;

const secret = z
  .string({ error: 'is missing: set it with `wrangler secret put`' })
  .min(32, 'must have at least 32 characters')
  .refine(isVaried, 'is too weak: use random characters');

/** A secret that programs send as a Bearer credential, so it has the characters of RFC 6750. */
const bearerSecret = z
  .string()
  .min(32, 'must have at least 32 characters')
  .regex(/^[\w.~+/-]+=*$/, 'may have letters, digits and -._~+/ alone')
  .refine(isVaried, 'is too weak: use random characters');

const address = z
  .string()
  .regex(
    new RegExp(`^(?:${addressPattern.source}|(?:[^<>\\r\\n"]+ )?<${addressPattern.source}>)$`),
    'must be "Name <address>" or an address',
  );
const flag = z.enum(['true', 'false']).transform((value) => value === 'true');
/** The name goes into the subjects and senders of e-mails, so it has no character that starts a line or hides itself. */
const brand = z
  .string()
  .trim()
  .min(1, 'must have 1 to 50 characters: leave it out for the default')
  .max(50, 'must have 1 to 50 characters')
  .regex(/^[^\p{C}\p{Zl}\p{Zp}]*$/u, 'must be a single line without control characters');
const webAddress = z.url({ protocol: /^https?$/, error: 'must be a URL that starts with https:// or http://' });
/** An address of which only scheme, host and port count, so that no path is lost unnoticed. */
const origin = webAddress.refine((value) => ['/', ''].includes(value.replace(/^https?:\/\/[^/?#]*/, '')), {
  error: 'must have no path, for example "https://frontdesk.example"',
});
const isWebAddress = (value: string) => webAddress.safeParse(value).success;
const port = z.coerce.number().int().min(1).max(65_535);

const shared = {
  ISSUER: z.url(),
  AUDIENCE: z.string().min(1),
  EPOCH: z.string().min(1).max(64),
  TOKEN_SECRET: secret,
  TOKEN_SECRET_PREVIOUS: secret.optional(),
  METRICS_TOKEN: bearerSecret.optional(),
  EMAIL_FROM: address,
  BRAND: brand.default('Frontdesk'),
  PUBLIC_URL: origin.optional(),
  PASSWORD_RESET_URL: webAddress.optional(),
  // Without a value only the staff sells, because a shop that wants otherwise knows it.
  SELLERS: z.enum(sellers, { error: `must be ${sellers.map((name) => `"${name}"`).join(' or ')}` }).default('staff'),
  FIRST_ORDER_NUMBER: z.coerce
    .string()
    .regex(/^[1-9]\d{0,8}$/, 'must be a whole number from 1 to 999999999')
    .transform(Number)
    .default(1001),
  CORS_ORIGINS: z.string().optional(),
  LOG_FORMAT: z.enum(['json', 'text']).default('json'),
  FIRST_ADMIN_EMAIL: z.string().trim().toLowerCase().pipe(z.email()).optional(),
  FIRST_ADMIN_PASSWORD: z.string().min(12).max(128).optional(),
};

const schema = z
  .discriminatedUnion('EMAIL_TRANSPORT', [
    z.object({ ...shared, EMAIL_TRANSPORT: z.enum(['cloudflare', 'console']) }),
    z.object({
      ...shared,
      EMAIL_TRANSPORT: z.literal('smtp'),
      SMTP_HOST: z.string().min(1),
      SMTP_PORT: port,
      // TLS from the first byte, or STARTTLS. Set both to false only for a server on the same machine.
      SMTP_SECURE: flag.default(true),
      SMTP_STARTTLS: flag.default(true),
      SMTP_USERNAME: z.string().min(1).optional(),
      SMTP_PASSWORD: z.string().min(1).optional(),
    }),
  ])
  .refine((vars) => (vars.FIRST_ADMIN_EMAIL === undefined) === (vars.FIRST_ADMIN_PASSWORD === undefined), {
    path: ['FIRST_ADMIN_EMAIL'],
    error: 'and FIRST_ADMIN_PASSWORD must be set together',
  })
  .refine((vars) => vars.PUBLIC_URL !== undefined || isWebAddress(vars.ISSUER), {
    path: ['PUBLIC_URL'],
    error: 'must be set, because ISSUER is not an address of the web',
  })
  .refine((vars) => ![vars.TOKEN_SECRET, vars.TOKEN_SECRET_PREVIOUS].includes(vars.METRICS_TOKEN ?? ''), {
    path: ['METRICS_TOKEN'],
    error: 'must be another secret than TOKEN_SECRET: who has that one can make access tokens',
  });

/** The page of src/auth/pages.ts. */
export const resetPagePath = '/reset-password';

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
  firstAdmin: { email: string; password: string } | undefined;
  /** Who may sell items. */
  sellers: Sellers;
  /** The number of the first order; a later order never has a lower one. */
  firstOrderNumber: number;
  corsOrigins: readonly string[];
  logFormat: LogFormat;
}

function parseMailbox(text: string): Mailbox {
  const [, name, email = text] = /^(.*?)\s*<(.+)>$/.exec(text) ?? [];
  return name ? { name, email } : { email };
}

function toEmailConfig(vars: z.infer<typeof schema>): EmailConfig {
  const from = { name: vars.BRAND, ...parseMailbox(vars.EMAIL_FROM) };
  if (vars.EMAIL_TRANSPORT !== 'smtp') return { from, transport: vars.EMAIL_TRANSPORT };
  const {
    SMTP_HOST: host,
    SMTP_PORT,
    SMTP_SECURE: secure,
    SMTP_STARTTLS: startTls,
    SMTP_USERNAME,
    SMTP_PASSWORD,
  } = vars;
  const credentials =
    SMTP_USERNAME && SMTP_PASSWORD ? { credentials: { username: SMTP_USERNAME, password: SMTP_PASSWORD } } : {};
  return { from, transport: 'smtp', smtp: { host, port: SMTP_PORT, secure, startTls, ...credentials } };
}

const loadedConfigs = new WeakMap<object, Config>();

/** Validates variables and secrets, once for each environment. @throws ConfigError that names every wrong variable */
export function loadConfig(env: object): Config {
  const cached = loadedConfigs.get(env);
  if (cached) return cached;
  const parsed = schema.safeParse(env);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
    throw new ConfigError(`The configuration is not usable: ${problems.join('; ')}`);
  }
  const vars = parsed.data;
  const { FIRST_ADMIN_EMAIL: email, FIRST_ADMIN_PASSWORD: password, TOKEN_SECRET_PREVIOUS: previous } = vars;
  const publicUrl = new URL(vars.PUBLIC_URL ?? vars.ISSUER).origin;
  const config: Config = {
    issuer: vars.ISSUER,
    audience: vars.AUDIENCE,
    epoch: vars.EPOCH,
    tokenSecrets: previous === undefined ? [vars.TOKEN_SECRET] : [vars.TOKEN_SECRET, previous],
    metricsToken: vars.METRICS_TOKEN,
    email: toEmailConfig(vars),
    brand: vars.BRAND,
    publicUrl,
    passwordResetUrl: vars.PASSWORD_RESET_URL ?? `${publicUrl}${resetPagePath}`,
    firstAdmin: email && password ? { email, password } : undefined,
    sellers: vars.SELLERS,
    firstOrderNumber: vars.FIRST_ORDER_NUMBER,
    corsOrigins: vars.CORS_ORIGINS?.split(',').map((origin) => origin.trim()) ?? [],
    logFormat: vars.LOG_FORMAT,
  };
  loadedConfigs.set(env, config);
  return config;
}
