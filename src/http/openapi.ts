import type { MiddlewareHandler } from 'hono';
import { type DescribeRouteOptions, describeRoute, resolver, uniqueSymbol } from 'hono-openapi';
import type { z } from 'zod';
import { problem, titles } from './problem';
import { commandResult } from './responses';
import { tokenError } from './token-endpoint';

type Status = 200 | 201 | 202 | 204;
export type ProblemStatus = 400 | 401 | 403 | 404 | 409 | 412 | 413 | 415 | 422 | 429 | 503;

interface RouteDescription {
  summary: string;
  description?: string;
  tags: string[];
  /** The body of the successful response. */
  body?: z.ZodType;
  /** The media type of this body, if it is not JSON. */
  mediaType?: string;
  /**
   * The refusals that cannot be derived. The derived refusals are 401 from `authenticate`, 429 and 503 from `limitByNetwork`,
   * 404 from a path parameter, 400, 413, 415 and 422 from validation, and those that every command or every query can
   * have: 409 and 412, and 503 of a database that does not answer.
   */
  problems?: readonly ProblemStatus[];
}

const header = (description: string, required = true) => ({
  description,
  required,
  schema: { type: 'string' as const },
});

const etag = { ETag: header('The version of the response (RFC 9110), for If-None-Match and If-Match.') };

const queryHeaders = {
  ...etag,
  Consistency: header('`strong`: at least as new as the token; `eventual`: no token was sent.'),
  Age: header('The data is at most so many seconds old. Missing when a replica does not know how old it is.', false),
  'Cache-Status': header(
    '`KV; hit`; for data from D1 `KV; fwd=miss` (KV has no document) or `KV; fwd=stale` (too old) (RFC 9211).',
  ),
};

export const commandHeaders = {
  'Consistency-Token': header('Send this token with a read; the read then includes this change.'),
  'Idempotency-Replayed': header('`true` when this is the stored response to an earlier request.', false),
};

export const limitHeaders = {
  'RateLimit-Policy': header('The quotas (IETF draft).'),
  RateLimit: header('The limit that was checked last: `r` is 0 when the limit is used up, and at least 1 otherwise.'),
};

const location = { Location: header('The address of the resource, or of its progress.') };
const challenge = { 'WWW-Authenticate': header('The credentials that the operation needs (RFC 6750).') };
export const retryAfter = { 'Retry-After': header('Seconds to wait.') };

/** The headers of refusals, by their status. */
export const refusalHeaders: Partial<Record<ProblemStatus, Record<string, ReturnType<typeof header>>>> = {
  401: challenge,
  415: { 'Accept-Encoding': header('`identity`, when the body was compressed.', false) },
  429: { ...limitHeaders, ...retryAfter },
  503: retryAfter,
};

const problemContent = { 'application/problem+json': { schema: resolver(problem) } };

/** A refusal in the OpenAPI document. */
export function refusal(status: ProblemStatus) {
  const headers = refusalHeaders[status];
  return { description: titles[status] ?? 'Refused', ...(headers && { headers }), content: problemContent };
}

const successes: Record<Status, string> = { 200: 'Done', 201: 'Created', 202: 'Accepted', 204: 'Done' };

function contentOf({ body, mediaType = 'application/json' }: Pick<RouteDescription, 'body' | 'mediaType'>) {
  return body && { content: { [mediaType]: { schema: resolver(body) } } };
}

function describeWith(
  { summary, description, tags, problems = [], ...success }: RouteDescription,
  status: Status,
  headers: Record<string, ReturnType<typeof header>>,
  others: DescribeRouteOptions['responses'] = {},
) {
  const content = contentOf(success);
  return describeRoute({
    summary,
    ...(description === undefined ? {} : { description }),
    tags,
    // For a route with credentials, `authenticate` adds them.
    security: [],
    responses: {
      [status]: { description: successes[status], headers, ...content },
      ...others,
      ...Object.fromEntries(problems.map((code) => [code, refusal(code)])),
    },
  });
}

/** Documents a command: its response carries a Consistency-Token, if the operation asks for credentials. */
export function describeCommand({
  status = 200,
  ignoresIfMatch = false,
  ...about
}: RouteDescription & { status?: Status; ignoresIfMatch?: boolean }) {
  const others: DescribeRouteOptions['responses'] = ignoresIfMatch ? {} : { 412: refusal(412) };
  return describeWith(
    about,
    status,
    {
      ...commandHeaders,
      ...(about.body === commandResult ? etag : {}),
      ...((status === 201 || status === 202) && about.body ? location : {}),
    },
    others,
  );
}

/** Documents a query: it takes a Consistency-Token, and its response shows its freshness. */
export function describeQuery(about: RouteDescription) {
  return describeWith(about, 200, queryHeaders);
}

/**
 * Documents an operation that neither takes nor returns a Consistency-Token.
 * @param about.unavailable true if the operation also responds with 503 and the same body
 */
export function describePlain({
  status = 200,
  unavailable = false,
  ...about
}: RouteDescription & { status?: Status; unavailable?: boolean }) {
  const content = contentOf(about);
  return describeWith(about, status, {}, unavailable ? { 503: { description: 'Unavailable', ...content } } : {});
}

/** Documents the token endpoint, which has the errors of RFC 6749; documentation.ts gives the form to derived refusals. */
export function describeToken(summary: string, tags: string[], response: z.ZodType) {
  const content = { 'application/json': { schema: resolver(tokenError) } };
  return describeRoute({
    summary,
    description: 'The password grant is for first-party clients.',
    tags,
    security: [],
    responses: {
      200: {
        description: 'Granted',
        headers: { 'Consistency-Token': commandHeaders['Consistency-Token'] },
        content: { 'application/json': { schema: resolver(response) } },
      },
      400: { description: 'Refused (RFC 6749, 5.2)', content },
      413: { description: titles[413] ?? 'Refused', content },
      415: { description: titles[415] ?? 'Refused', content },
      500: { description: 'Failed', content },
      503: { description: 'Unavailable', headers: retryAfter, content },
    },
  });
}

/** Gives a middleware its part of the OpenAPI document, so that no route has to repeat the part. */
export function documented<Handler extends MiddlewareHandler>(spec: DescribeRouteOptions, handler: Handler): Handler {
  return Object.assign(handler, { [uniqueSymbol]: { spec } });
}
