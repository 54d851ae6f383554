import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { z } from 'zod';
import { DomainError, type ErrorKind, type FieldError } from '../platform/errors';
import type { AppEnv } from './context';

const typeBase = 'https://frontdesk.example/problems/';

/** The one place that knows which status each kind of refusal has. */
const statusOf = {
  'bad-request': 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  'already-exists': 409,
  conflict: 409,
  precondition: 412,
  invalid: 422,
  'too-many': 429,
} satisfies Record<ErrorKind, ContentfulStatusCode>;

export const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
};

/** Problem details (RFC 9457) with our extensions. */
export const problem = z
  .object({
    type: z.url(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string().meta({ description: 'The path of the request.' }),
    code: z.string().meta({ examples: ['users.email-taken'] }),
    requestId: z.string(),
    errors: z.array(z.object({ pointer: z.string(), detail: z.string(), code: z.string() })).optional(),
    details: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ ref: 'Problem' });

export interface ProblemOptions {
  status: ContentfulStatusCode;
  code: string;
  detail: string;
  errors?: FieldError[] | undefined;
  details?: Record<string, unknown> | undefined;
  headers?: Record<string, string>;
}

export function problemResponse(
  c: Context<AppEnv>,
  { status, code, detail, errors, details, headers }: ProblemOptions,
) {
  const body = {
    type: `${typeBase}${code}`,
    title: titles[status] ?? 'Error',
    status,
    detail,
    instance: c.req.path,
    code,
    requestId: c.var.requestId,
    errors,
    details,
  } satisfies z.infer<typeof problem>;
  return c.body(JSON.stringify(body), status, { 'Content-Type': 'application/problem+json', ...headers });
}

/** The challenge that goes with a refusal (RFC 6750, 3). */
function challenge(error: DomainError): string | undefined {
  if (error.code === 'auth.required') return 'Bearer realm="frontdesk"';
  if (error.kind === 'unauthenticated') return 'Bearer realm="frontdesk", error="invalid_token"';
  if (error.code === 'auth.insufficient-role') return 'Bearer realm="frontdesk", error="insufficient_scope"';
  return undefined;
}

function domainProblem(c: Context<AppEnv>, error: DomainError) {
  const headers: Record<string, string> = {};
  const authenticate = challenge(error);
  if (authenticate) headers['WWW-Authenticate'] = authenticate;
  const retryAfter = error.details?.retryAfterSeconds;
  if (typeof retryAfter === 'number') headers['Retry-After'] = String(retryAfter);
  const { code, message: detail, errors, details } = error;
  return problemResponse(c, { status: statusOf[error.kind], code, detail, errors, details, headers });
}

/** Turns whatever was thrown into a problem; what was not expected says nothing of itself. */
export function handleError(error: Error, c: Context<AppEnv>): Response {
  if (error instanceof DomainError) return domainProblem(c, error);
  if (error instanceof HTTPException && error.status === 400) {
    return problemResponse(c, {
      status: 400,
      code: 'http.invalid-body',
      detail: 'The body could not be read as what it says it is.',
    });
  }
  if (error instanceof HTTPException && error.status === 415) {
    return problemResponse(c, {
      status: 415,
      code: 'http.unsupported-media-type',
      detail: 'The media type is not supported here.',
    });
  }
  c.var.logger.error('request.failed', error);
  return problemResponse(c, { status: 500, code: 'internal', detail: 'Something went wrong on our side.' });
}

export function handleNotFound(c: Context<AppEnv>): Response {
  return problemResponse(c, { status: 404, code: 'http.not-found', detail: 'There is nothing at this address.' });
}
