import { describeRoute, resolver } from 'hono-openapi';
import type { z } from 'zod';
import { problem, titles } from './problem';
import { commandAnswer } from './responses';

type Status = 200 | 201 | 202 | 204;
type ProblemStatus = 400 | 401 | 403 | 404 | 409 | 412 | 413 | 415 | 422 | 429;

export interface RouteDescription {
  summary: string;
  description?: string;
  tags: string[];
  /** `none` for a route that needs no credentials. */
  security?: 'bearer' | 'none';
  /** Of the successful answer; 200 unless told. */
  status?: Status;
  body?: z.ZodType;
  /**
   * A read takes a Consistency-Token and says how fresh the answer is; a command answers with a token; what is plain
   * (looked up on D1's primary, or telling nothing) does neither.
   */
  kind?: 'read' | 'command' | 'plain';
  /** It answers the same body with 503 when it can't do its work. */
  alsoUnavailable?: boolean;
  /** Which refusals it has, besides 401 where it needs credentials, and those of its input. */
  problems: readonly ProblemStatus[];
}

const header = (description: string, required = true) => ({
  description,
  required,
  schema: { type: 'string' as const },
});

const etag = { ETag: header('The version of what is answered (RFC 9110), for If-None-Match and If-Match.') };

const answerHeaders = {
  plain: {},
  read: {
    ...etag,
    Consistency: header('`strong`, `eventual` or `stale`.'),
    Age: header('Seconds since the document was projected.'),
    'Cache-Status': header('`KV; hit`, or `KV; fwd=miss` where D1 answered (RFC 9211).'),
  },
  command: {
    'Consistency-Token': header('Sent back with a read, it sees at least this change.'),
    'Idempotency-Replayed': header('`true` when this is the first answer again.', false),
  },
};

const limitHeaders = {
  'RateLimit-Policy': header('The quotas (IETF draft).'),
  RateLimit: header('How the limit stands that was asked last: `r` is 0 when it is used up, else at least 1.'),
};

const location = { Location: header('Where it is, or where its progress is shown.') };
const challenge = { 'WWW-Authenticate': header('Which credentials are needed (RFC 6750).') };
const retryAfter = { 'Retry-After': header('Seconds to wait.') };

const refusalHeaders: Partial<Record<ProblemStatus, Record<string, ReturnType<typeof header>>>> = {
  401: challenge,
  429: { ...limitHeaders, ...retryAfter },
};

const problemContent = { 'application/problem+json': { schema: resolver(problem) } };

function refusal(status: ProblemStatus) {
  const headers = refusalHeaders[status];
  return { description: titles[status] ?? 'Refused', ...(headers && { headers }), content: problemContent };
}

/** Documents a route: its answer, its refusals as problem details, and what it asks for. */
export function describe({ security = 'bearer', status = 200, kind = 'command', body, ...about }: RouteDescription) {
  const problems = new Set<ProblemStatus>([...about.problems, ...(security === 'bearer' ? [401 as const] : [])]);
  const headers = {
    ...answerHeaders[kind],
    ...(kind === 'command' && body === commandAnswer ? etag : {}),
    ...((status === 201 || status === 202) && body ? location : {}),
    ...(problems.has(429) ? limitHeaders : {}),
  };
  const content = body && { content: { 'application/json': { schema: resolver(body) } } };
  return describeRoute({
    summary: about.summary,
    ...(about.description === undefined ? {} : { description: about.description }),
    tags: about.tags,
    security: security === 'bearer' ? [{ bearer: [] }] : [],
    responses: {
      [status]: { description: successes[status], headers, ...content },
      ...(about.alsoUnavailable && { 503: { description: 'Unavailable', ...content } }),
      ...Object.fromEntries([...problems].sort().map((code) => [code, refusal(code)])),
    },
  });
}

const successes: Record<Status, string> = { 200: 'Done', 201: 'Created', 202: 'Accepted', 204: 'Done' };

/** Documents the token endpoint, whose errors are RFC 6749's. */
export function describeToken(summary: string, tags: string[], schemas: { answer: z.ZodType; error: z.ZodType }) {
  return describeRoute({
    summary,
    description: 'The password grant is for first-party clients.',
    tags,
    security: [],
    responses: {
      200: {
        description: 'Granted',
        headers: { ...answerHeaders.command, ...limitHeaders },
        content: { 'application/json': { schema: resolver(schemas.answer) } },
      },
      400: {
        description: 'Refused (RFC 6749, 5.2)',
        content: { 'application/json': { schema: resolver(schemas.error) } },
      },
      413: refusal(413),
      415: refusal(415),
      429: refusal(429),
    },
  });
}
