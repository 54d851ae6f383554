import * as z from 'zod';
import { addressPattern } from './email/address';
import { sellers } from './items/sellers';

// The form of each variable and secret; docs/operations.md explains them. The message of a wrong one follows its name, and
// never repeats its value, which may be a secret.

const tooShort = { error: 'must have at least 32 characters', abort: true };
const isVaried = (value: string) => new Set(value).size >= 10;
const tooWeak = 'is too weak: use random characters';

const secret = z.string().min(32, tooShort).refine(isVaried, tooWeak);

/** A secret that programs send as a Bearer credential, so it has the characters of RFC 6750. */
const bearerSecret = z
  .string()
  .min(32, tooShort)
  .regex(/^[\w.~+/-]+=*$/, 'may have letters, digits and -._~+/ alone')
  .refine(isVaried, tooWeak);

const mailbox = z
  .string()
  .regex(
    new RegExp(`^(?:${addressPattern.source}|(?:[^<>\\r\\n"]+ )?<${addressPattern.source}>)$`),
    'must be "Name <address>" or an address',
  );

/** The name goes into the subjects and senders of e-mails, so it has no character that starts a line or hides itself. */
const brand = z
  .string()
  .trim()
  .min(1, 'must have 1 to 50 characters: leave it out for the default')
  .max(50, 'must have 1 to 50 characters')
  .regex(/^[^\p{C}\p{Zl}\p{Zp}]*$/u, 'must be a single line without control characters');

const webAddress = z.url({ protocol: /^https?$/, error: 'must be a URL that starts with https:// or http://' });
const isWebAddress = (value: string) => webAddress.safeParse(value).success;

/** An address of which only scheme, host and port count, so that no path is lost unnoticed. */
const origin = webAddress.refine((value) => ['/', ''].includes(value.replace(/^https?:\/\/[^/?#]*/, '')), {
  error: 'must have no path, for example "https://frontdesk.example"',
});

/** Origins as browsers send them in the header `Origin`: a slash at the end would never match. */
const origins = z
  .string()
  .transform((list) => list.split(',').map((text) => text.trim()))
  .refine((list) => list.every((text) => URL.canParse(text) && new URL(text).origin === text), {
    error: 'must be origins such as "https://frontdesk.example", separated by commas, without a slash at the end',
  });

const oneOf = <const Words extends readonly [string, ...string[]]>(words: Words) =>
  z.enum(words, { error: `must be ${words.map((word) => `"${word}"`).join(' or ')}` });
const flag = oneOf(['true', 'false']).transform((value) => value === 'true');
const port = z.coerce
  .string()
  .regex(/^[1-9]\d{0,4}$/, 'must be a port, such as 465 or 587')
  .transform(Number);
const filled = (most: number) =>
  z.string().min(1, 'must not be empty').max(most, `must have at most ${most} characters`);

/** The variables of every installation. */
export const variables = z
  .object({
    ISSUER: z.url('must be a URI, such as "https://frontdesk.example"'),
    AUDIENCE: filled(200),
    EPOCH: filled(64),
    TOKEN_SECRET: secret,
    TOKEN_SECRET_PREVIOUS: secret.optional(),
    METRICS_TOKEN: bearerSecret.optional(),
    EMAIL_TRANSPORT: oneOf(['cloudflare', 'smtp', 'console']),
    EMAIL_FROM: mailbox,
    BRAND: brand.default('Frontdesk'),
    PUBLIC_URL: origin.optional(),
    PASSWORD_RESET_URL: webAddress.optional(),
    EMAIL_CONFIRMATION_URL: webAddress.optional(),
    // Without a value only the staff sells, because a shop that wants otherwise knows it.
    SELLERS: oneOf(sellers).default('staff'),
    FIRST_ORDER_NUMBER: z.coerce
      .string()
      .regex(/^[1-9]\d{0,8}$/, 'must be a whole number from 1 to 999999999')
      .transform(Number)
      .default(1001),
    // Below the 300 seconds after which projections are late (operations/readiness.ts).
    LAG_TARGET_SECONDS: z.coerce
      .string()
      .regex(/^[1-9]\d?$|^[12]\d\d$/, 'must be a whole number from 1 to 299')
      .transform(Number)
      .default(30),
    CORS_ORIGINS: origins.optional(),
    LOG_FORMAT: oneOf(['json', 'text']).default('json'),
    FIRST_ADMIN_EMAIL: z.string().trim().toLowerCase().pipe(z.email('must be an e-mail address')).optional(),
    FIRST_ADMIN_PASSWORD: z
      .string()
      .min(12, 'must have 12 to 128 characters')
      .max(128, 'must have 12 to 128 characters')
      .optional(),
  })
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
    error: 'must be another secret than TOKEN_SECRET: whoever has that one can make access tokens',
  });

/** The variables of an installation whose `EMAIL_TRANSPORT` is `smtp`. */
export const smtpVariables = z.object({
  SMTP_HOST: filled(253),
  SMTP_PORT: port,
  // TLS from the first byte, or STARTTLS. Set both to false only for a server on the same machine.
  SMTP_SECURE: flag.default(true),
  SMTP_STARTTLS: flag.default(true),
  SMTP_USERNAME: filled(1000).optional(),
  SMTP_PASSWORD: filled(1000).optional(),
});
