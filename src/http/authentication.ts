import { createHash, timingSafeEqual } from 'node:crypto';
import { createMiddleware } from 'hono/factory';
import type { Caller } from '../access/caller';
import { accessErrors } from '../access/errors';
import type { FoundKey } from '../access/key-access';
import { isKeyText, readKeyText } from '../access/key-text';
import { type Scope, scopeMeanings } from '../access/scopes';
import type { AppEnv, RequestContext } from './context';
import { documented } from './openapi';
import { limitKey, limitUnknownKeys } from './rate-limits';
import { refusal } from './shared-responses';
import { tokenPath } from './token-endpoint';

/**
 * How a client gets the access token that it sends: from anywhere, or from the token endpoint, as a tool does that asks for
 * e-mail and password. Tools take the first one that they know, so the plain token stands first.
 */
export const securitySchemes = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'An access token that you have.',
  },
  password: {
    type: 'oauth2',
    description: 'The username is the e-mail address of your account. The access token is valid for 15 minutes.',
    // Relative to the server, because a page may reach no other origin than its own. A person has no scopes.
    flows: { password: { tokenUrl: tokenPath, refreshUrl: tokenPath, scopes: {} } },
  },
  apiKey: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'fd_…',
    description: 'An API key. It needs the scope that the operation names; without one, no key may carry it out.',
  },
  client: {
    type: 'oauth2',
    description: 'The client id is the id of an API key, and the client secret is the key.',
    flows: { clientCredentials: { tokenUrl: tokenPath, scopes: scopeMeanings } },
  },
} as const;

/** The schemes of people, and those of programs, which need a scope. */
const [forPeople, forPrograms] = [
  ['bearer', 'password'],
  ['apiKey', 'client'],
];

/** The credentials that an operation takes: one of them is enough. Without a scope, no API key may carry it out. */
export function securityFor(scope: Scope | undefined): Record<string, string[]>[] {
  const programs = scope === undefined ? [] : forPrograms.map((name) => ({ [name]: [scope] }));
  return [...forPeople.map((name) => ({ [name]: [] })), ...programs];
}

/** Whatever takes credentials can refuse an API key, whose scopes openapi-document.ts adds. */
const secured = { security: securityFor(undefined), responses: { 401: refusal(401), 403: refusal(403) } };

/** The Bearer credential of a request (RFC 6750). @throws DomainError 401 for a request without a usable one */
function readBearer(c: RequestContext): string {
  const header = c.req.header('Authorization');
  if (header === undefined || !/^bearer(?: |$)/i.test(header)) throw accessErrors.required({});
  const [, token] = /^bearer +([\w.~+/-]+=*)$/i.exec(header) ?? [];
  if (!token) throw accessErrors.invalidToken({ reason: 'malformed' });
  return token;
}

/**
 * Verifies a Bearer credential: an access token or an API key.
 * @param isFresh whether D1's primary has to know the key and the role of its account
 * @throws DomainError 401 for a credential that is not valid, 429 for a key beyond its limit
 */
async function verifyBearer(c: RequestContext, credential: string, isFresh: boolean): Promise<Caller> {
  if (isKeyText(credential)) return (await requireKey(c, credential, isFresh)).caller;
  const caller = await c.get('http').accessTokens.verify(credential);
  if (caller.key) await limitKey(c, caller.key.id);
  return caller;
}

/**
 * Verifies an API key, counts the request, and notes the use. A text with a typing error costs no look into the database.
 * @param isFresh whether D1's primary has to answer
 * @throws DomainError 401 for a key that is not valid, 429 for one beyond its limit or that of the network for unknown keys
 */
export async function requireKey(c: RequestContext, text: string, isFresh: boolean): Promise<FoundKey> {
  const { inBackground, keyAccess, noteKeyUse } = c.get('http');
  const name = readKeyText(text);
  if (!name) throw accessErrors.invalidKey({ reason: 'malformed' });
  const found = await keyAccess.find(text, name, isFresh, () => limitUnknownKeys(c));
  if (!found) throw accessErrors.invalidKey({ reason: 'unknown' });
  await limitKey(c, name.keyId);
  const note = noteKeyUse({ ...name, newHash: found.newHash });
  if (note) inBackground('api-key.use-not-noted', note);
  return found;
}

const isRead = (c: RequestContext) => ['GET', 'HEAD'].includes(c.req.method);

/** @param runsCommand whether a request runs a command, which decides on the role of the account: KV may not know its newest one */
function createAuthenticate(runsCommand: (c: RequestContext) => boolean) {
  return documented(
    secured,
    createMiddleware<AppEnv>(async (c, next) => {
      c.set('caller', await verifyBearer(c, readBearer(c), runsCommand(c)));
      await next();
    }),
  );
}

/**
 * Verifies the access token (RFC 6750) or the API key, and sets the caller. The account behind it is checked later, in the
 * same round trip that reads or changes data.
 */
export const authenticate = createAuthenticate((c) => !isRead(c));

/** As {@link authenticate}, for a GET that records in the audit trail what it gives to whom. */
export const authenticateForRecord = createAuthenticate(() => true);

/** As {@link authenticate}, for a list that can be searched: a search is recorded. */
export const authenticateForSearch = createAuthenticate((c) => !isRead(c) || c.req.query('search') !== undefined);

/** As {@link authenticate}, and accepts the secret of the metrics too, for the one route that shows them. */
export const authenticateMonitor = documented(
  secured,
  createMiddleware<AppEnv>(async (c, next) => {
    const token = readBearer(c);
    if (c.get('http').isMetricsToken(token)) c.set('isMonitor', true);
    else c.set('caller', await verifyBearer(c, token, !isRead(c)));
    await next();
  }),
);

const digest = (text: string) => createHash('sha256').update(text).digest();

/** Compares a text with a secret, in a time that does not tell how much of it is right. Nothing equals a missing secret. */
export function isSecret(secret: string | undefined, given: string): boolean {
  return secret !== undefined && timingSafeEqual(digest(secret), digest(given));
}
