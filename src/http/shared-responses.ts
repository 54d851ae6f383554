import { resolver } from 'hono-openapi';
import type { ErrorInfo } from '../platform/errors';
import { problem, problemPath, statusOf, titles } from './problem';
import { isTokenRefusal, tokenError } from './token-endpoint';

/** The statuses of refusals that operations document. */
export type RefusalStatus = 400 | 401 | 403 | 404 | 409 | 412 | 413 | 415 | 422 | 429 | 500 | 503;

const header = (description: string, required = true) => ({
  description,
  required,
  schema: { type: 'string' as const },
});

/** Every header that a documented response can have. */
export const headers = {
  'X-Request-Id': header('The id of the request in the logs of the API.'),
  ETag: header('The version of the response (RFC 9110), for If-None-Match and If-Match.'),
  Consistency: header('`strong`: at least as new as the token; `eventual`: no token was sent.'),
  Age: header('The data is at most so many seconds old. Missing when a replica does not know how old it is.', false),
  'Cache-Status': header(
    '`KV; hit`; for data from D1 `KV; fwd=miss` (KV has no document) or `KV; fwd=stale` (too old) (RFC 9211).',
  ),
  'Consistency-Token': header('Send this token with a read; the read then includes this change.'),
  'Idempotency-Replayed': header('`true` when this is the stored response to an earlier request.', false),
  Location: header('The address of the resource, or of its progress.'),
  'RateLimit-Policy': header('The quotas (IETF draft).'),
  RateLimit: header('The limit that was checked last: `r` is 0 when the limit is used up, and at least 1 otherwise.'),
  'WWW-Authenticate': header('The credentials that the operation needs (RFC 6750).'),
  'Accept-Encoding': header('`identity`, when the body was compressed.', false),
  'Retry-After': header('Seconds to wait.'),
};

/** Only a caller with an access token or an API key gets it, and not for an If-Match that allows no version at all. */
const tokenOfRefusal = header('Send this token with a read; the read then shows the version that refused.', false);

export type HeaderName = keyof typeof headers;

/** References to headers, for a response. */
export function headerReferences(names: readonly HeaderName[]) {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

/** What every refusal with a status has in common, in a sentence. */
const meanings: Record<RefusalStatus, string> = {
  400: 'The request cannot be read: a malformed body, an unknown or wrong parameter of the query, or a wrong header.',
  401: 'There is no access token and no API key, or it is not valid any more.',
  403: 'The role of the account or the scopes of the API key do not allow it, or the account is not yours.',
  404: 'The thing does not exist, or it belongs to another person; both look the same.',
  409: 'The state does not allow it, or another request was faster.',
  412: 'The precondition of If-Match or If-None-Match is false.',
  413: 'The body is too large.',
  415: 'The body has a media type, a charset or an encoding that the operation does not take.',
  422: 'The input can be read, but it is not valid; `errors` names the fields.',
  429: 'There were too many requests; wait for `Retry-After` seconds.',
  500: 'An unexpected error, whatever its status.',
  503: 'The work could not be done in time; wait for `Retry-After` seconds.',
};

const ownHeaders: Partial<Record<RefusalStatus, readonly HeaderName[]>> = {
  401: ['WWW-Authenticate'],
  415: ['Accept-Encoding'],
  429: ['RateLimit-Policy', 'RateLimit', 'Retry-After'],
  503: ['Retry-After'],
};

const statuses = Object.keys(meanings).map(Number) as RefusalStatus[];

/** A group of operations, and the errors that no operation of another group has. */
export interface GroupErrors {
  name: string;
  errors: readonly ErrorInfo[];
}

/** The name of the response for a status: `NotFound`, or `SigningInNotFound` for one group of operations. */
export function refusalName(status: RefusalStatus, group = ''): string {
  return `${group} ${titles[status]}`.replace(/(^| )\w/g, (start) => start.toUpperCase()).replaceAll(' ', '');
}

/** A refusal in the OpenAPI document: a reference to the response that all operations share, or those of a group. */
export function refusal(status: RefusalStatus, group?: string) {
  return { $ref: `#/components/responses/${refusalName(status, group)}` };
}

/** A refusal of the token endpoint. */
export function tokenRefusal(status: RefusalStatus) {
  return { $ref: `#/components/responses/Token${refusalName(status)}` };
}

/** The codes that a problem with this status can have; only the token endpoint has the others, as errors of RFC 6749. */
function codesOf(status: RefusalStatus, errors: readonly ErrorInfo[]): string[] {
  const found = errors.filter(({ kind, code }) => statusOf[kind] === status && !isTokenRefusal(code));
  return found.map(({ code }) => code);
}

function describeRefusal(status: RefusalStatus, codes: readonly string[]) {
  const links = codes.map((code) => `[\`${code}\`](${problemPath(code)})`);
  return {
    description: `${meanings[status]} Codes: ${links.join(', ')}.`,
    headers: {
      ...headerReferences([...(ownHeaders[status] ?? []), 'X-Request-Id']),
      ...(status === 412 && { 'Consistency-Token': tokenOfRefusal }),
    },
    content: { 'application/problem+json': { schema: resolver(problem) } },
  };
}

/**
 * The responses that operations refer to: one for each status of a refusal, one for each status of which a group of
 * operations has codes of its own, and those of the token endpoint.
 */
export function sharedResponses(errors: readonly ErrorInfo[], groups: readonly GroupErrors[]) {
  const ofGroups = new Set(groups.flatMap((group) => group.errors));
  const general = errors.filter((error) => !ofGroups.has(error));
  const problems = statuses.flatMap((status) => {
    const common = codesOf(status, general);
    const own = groups.flatMap(({ name, errors }) => {
      const codes = codesOf(status, errors);
      return codes.length === 0 ? [] : [[refusalName(status, name), describeRefusal(status, [...codes, ...common])]];
    });
    return [[refusalName(status), describeRefusal(status, common)], ...own];
  });
  const tokenErrors = ([400, 401, 413, 415, 429, 500, 503] as const).map((status) => [
    `Token${refusalName(status)}`,
    {
      description: `${meanings[status]} The form of the error is that of RFC 6749, 5.2.`,
      headers: headerReferences([...(ownHeaders[status] ?? []), 'X-Request-Id']),
      content: { 'application/json': { schema: resolver(tokenError) } },
    },
  ]);
  return Object.fromEntries([...problems, ...tokenErrors]);
}
