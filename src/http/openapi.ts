import type { Hono } from 'hono';
import { html } from 'hono/html';
import { describeRoute, openAPIRouteHandler, resolver } from 'hono-openapi';
import type { z } from 'zod';
import type { AppEnv } from './context';
import { problem } from './problem';

type Status = 200 | 201 | 202 | 204 | 503;
type ProblemStatus = 400 | 401 | 403 | 404 | 409 | 412 | 413 | 415 | 422;

export interface RouteDescription {
  summary: string;
  description?: string;
  tags: string[];
  /** `none` for a route that needs no credentials. */
  security?: 'bearer' | 'none';
  /** Of the successful answer; 200 unless told. */
  status?: Status;
  body?: z.ZodType;
  /** The route is a read: it takes a Consistency-Token and says how fresh the answer is. */
  kind?: 'read' | 'command';
  /** Which refusals it has, besides 401 where it needs credentials, and those of its input. */
  problems: readonly ProblemStatus[];
}

const header = (description: string) => ({ description, schema: { type: 'string' as const } });

const answerHeaders = {
  read: {
    Consistency: header('`strong`, `eventual` or `stale`.'),
    Age: header('Seconds since the document was projected.'),
    'Cache-Status': header('`KV; hit`, or `KV; fwd=miss` where D1 answered (RFC 9211).'),
  },
  command: { 'Consistency-Token': header('Sent back with a read, it sees at least this change.') },
};

const refusal = { description: 'Refused', content: { 'application/problem+json': { schema: resolver(problem) } } };

/** Documents a route: its answer, its refusals as problem details, and what it asks for. */
export function describe({ security = 'bearer', status = 200, kind = 'command', body, ...about }: RouteDescription) {
  const problems = new Set<ProblemStatus>([...about.problems, ...(security === 'bearer' ? [401 as const] : [])]);
  const refusals = [...problems].sort().map((code) => [code, refusal]);
  const content = body && { content: { 'application/json': { schema: resolver(body) } } };
  return describeRoute({
    summary: about.summary,
    ...(about.description === undefined ? {} : { description: about.description }),
    tags: about.tags,
    security: security === 'bearer' ? [{ bearer: [] }] : [],
    responses: {
      [status]: { description: 'Done', headers: answerHeaders[kind], ...content },
      ...Object.fromEntries(refusals),
    },
  });
}

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
        headers: answerHeaders.command,
        content: { 'application/json': { schema: resolver(schemas.answer) } },
      },
      400: { description: 'Refused', content: { 'application/json': { schema: resolver(schemas.error) } } },
      413: refusal,
      415: refusal,
    },
  });
}

const page = html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Frontdesk API</title>
    <link rel="stylesheet" href="/docs/assets/swagger-ui.css">
  </head>
  <body>
    <div id="docs"></div>
    <script src="/docs/assets/swagger-ui-bundle.js"></script>
    <script src="/docs/assets/start.js"></script>
  </body>
</html>`;

/** `/openapi.json`, made from the very schemas that validate, and `/docs`, which shows it from our own origin. */
export function mountDocumentation(app: Hono<AppEnv>): void {
  app.get(
    '/openapi.json',
    openAPIRouteHandler(app, {
      documentation: {
        openapi: '3.1.0',
        info: {
          title: 'Frontdesk',
          version: '1',
          description: 'Accounts, items, orders and a support desk. Errors are problem details (RFC 9457).',
        },
        components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
      },
      defaultValidationErrorResponse: false,
    }),
  );
  app.get('/docs', (c) => c.html(page));
}
