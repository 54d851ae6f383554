import type { ExtractSchema } from 'hono/types';
import type * as z from 'zod';
import type { AppType as App } from './app';
import type { ErrorCode as ApiErrorCode } from './domains';
import type { problem } from './http/problem';
import type { tokenError } from './http/token-endpoint';

// What the typed client knows of the API. `npm run build:client` writes what these types come to, so that the client's
// declarations need nothing of the server.

/** Every route, with what it takes and what it returns. */
export type Routes = { [Path in keyof ExtractSchema<App>]: ExtractSchema<App>[Path] };

/** The codes of the API's error catalogue. */
export type ErrorCode = ApiErrorCode;

/** Problem details (RFC 9457). Each code has a page at `/problems/{code}`. */
export type Problem = z.infer<typeof problem> & { code: ErrorCode };

/**
 * Every code that an error can have: the codes of the API's catalogue, the codes of the token endpoint (RFC 6749), and
 * `http.error` for a response that the API did not make, for example from a proxy.
 */
export type ProblemCode = ErrorCode | z.infer<typeof tokenError>['error'] | 'http.error';
