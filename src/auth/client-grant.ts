import type * as z from 'zod';
import { keyPrefix, readKeyText } from '../access/key-text';
import type { Scope } from '../access/scopes';
import { requireKey } from '../http/authentication';
import type { RequestContext } from '../http/context';
import { DomainError } from '../platform/errors';
import { authErrors } from './errors';
import type { tokenRequest } from './schemas';

type ClientRequest = Extract<z.infer<typeof tokenRequest>, { grant_type: 'client_credentials' }>;

interface Credentials {
  id: string | undefined;
  secret: string | undefined;
}

/** Decodes a part of the credentials, which are encoded as in a form (RFC 6749, 2.3.1). */
function decodePart(text: string | undefined): string | undefined {
  return text === undefined ? undefined : decodeURIComponent(text.replaceAll('+', ' '));
}

/** The credentials of HTTP Basic; undefined for another scheme. @throws URIError, DOMException for a malformed header */
function readBasic(header: string | undefined): Credentials | undefined {
  const [, encoded] = /^basic +([A-Za-z0-9+/]+=*)$/i.exec(header ?? '') ?? [];
  if (encoded === undefined) return undefined;
  const [, id, secret] = /^([^:]*):(.*)$/s.exec(atob(encoded)) ?? [];
  return { id: decodePart(id), secret: decodePart(secret) };
}

/** @throws DomainError `auth.invalid-client`, or `auth.invalid-token-request` for credentials at two places */
function readCredentials(c: RequestContext, form: ClientRequest): Credentials {
  const own = { id: form.client_id, secret: form.client_secret };
  let basic: Credentials | undefined;
  try {
    basic = readBasic(c.req.header('Authorization'));
  } catch (cause) {
    throw authErrors.invalidClient({}, { cause });
  }
  if (basic && own.secret !== undefined) throw authErrors.invalidTokenRequest({});
  return basic ?? own;
}

/** The scopes that a token gets: all of the key's, or those that the request asks for. @throws DomainError `auth.invalid-scope` */
function chooseScopes(wanted: string | undefined, owned: readonly Scope[]): readonly Scope[] {
  if (wanted === undefined) return owned;
  const names = wanted.split(' ');
  const chosen = owned.filter((scope) => names.includes(scope));
  if (names.some((name) => !chosen.some((scope) => scope === name))) throw authErrors.invalidScope({});
  return chosen;
}

/**
 * Exchanges an API key for an access token (RFC 6749, 4.4), for clients that know OAuth alone. There is no refresh token: the
 * key is one. The token ends with the key, and with every change that ends the tokens of its account.
 */
export async function grantToClient(c: RequestContext, form: ClientRequest) {
  const { id, secret = '' } = readCredentials(c, form);
  const name = readKeyText(secret);
  if (!name || (id?.toLowerCase() !== name.keyId && id !== keyPrefix(name.keyId))) throw authErrors.invalidClient({});
  const { caller, expiresAt } = await requireKey(c, secret, true).catch((error: unknown) => {
    const isWrong = error instanceof DomainError && error.kind === 'unauthenticated';
    throw isWrong ? authErrors.invalidClient({}, { cause: error }) : error;
  });
  const scopes = chooseScopes(form.scope, caller.key.scopes);
  const limited = { ...caller, key: { ...caller.key, scopes } };
  const { token, expiresInSeconds } = await c.get('http').accessTokens.issue(limited, expiresAt);
  const scope = scopes.join(' ');
  return c.json({ access_token: token, token_type: 'Bearer' as const, expires_in: expiresInSeconds, scope }, 200);
}
