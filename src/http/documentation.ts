import type { Hono } from 'hono';
import { html } from 'hono/html';
import { generateSpecs } from 'hono-openapi';
import type { AppEnv } from './context';
import { titles } from './problem';

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

type Specification = Awaited<ReturnType<typeof generateSpecs>>;

interface Operation {
  parameters?: object[];
  responses: Record<string, { description: string; headers?: Record<string, object>; content?: object }>;
}

const headerParameter = (name: string, description: string) => ({
  in: 'header',
  name,
  description,
  required: false,
  schema: { type: 'string' },
});

/** The header fields that requests may carry, by what the operation is. */
const parameters = {
  ConsistencyToken: headerParameter(
    'Consistency-Token',
    'From the answer to a command: what is read or changed is at least as new.',
  ),
  IdempotencyKey: headerParameter(
    'Idempotency-Key',
    'The same key and body get the same answer and no second effect, for 24 hours.',
  ),
  IfMatch: headerParameter('If-Match', 'The ETag of what was read: refused with 412 when it has changed since.'),
  IfNoneMatch: headerParameter('If-None-Match', 'The ETag of what is known: 304 when it is still the same.'),
  RequestId: headerParameter('X-Request-Id', 'Taken over when it is 1 to 64 of `[A-Za-z0-9._-]`.'),
  Traceparent: headerParameter('traceparent', 'W3C Trace Context; continued when it is valid.'),
};

type ParameterName = keyof typeof parameters;

const problemContent = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };

/** What any command can meet: malformed header fields, a lost race, a stale If-Match, a reused key. */
const ofCommands = ['400', '409', '412', '422'];

const unexpected = {
  description: 'Something unexpected went wrong; the text is always the same.',
  content: problemContent,
};

const requestId = { description: 'Names the request in our logs.', required: true, schema: { type: 'string' } };

/** What holds for every operation of a kind is said here, once. */
function complete(method: string, path: string, operation: Operation): void {
  const { responses } = operation;
  const [success] = Object.entries(responses).find(([status]) => status.startsWith('2')) ?? [];
  const headers = success ? responses[success]?.headers : undefined;
  const isToken = /\/auth\/(?:token|login)$/.test(path);
  const names: ParameterName[] = ['RequestId', 'Traceparent'];
  if (headers && 'Consistency' in headers) names.push('ConsistencyToken');
  if (method === 'get') names.push('IfNoneMatch');
  else if (!isToken) names.push('ConsistencyToken');
  if (method === 'post' && !isToken) names.push('IdempotencyKey');
  if ('412' in responses) names.push('IfMatch');
  const references = names.map((name) => ({ $ref: `#/components/parameters/${name}` }));
  operation.parameters = [...(operation.parameters ?? []), ...references];
  if (method === 'get') responses['304'] = { description: 'Not Modified', headers: headers ?? {} };
  if (method !== 'get' && !isToken) {
    for (const status of ofCommands) {
      responses[status] ??= { description: titles[Number(status)] ?? 'Refused', content: problemContent };
    }
  }
  responses.default = unexpected;
  for (const response of Object.values(responses))
    response.headers = { ...response.headers, 'X-Request-Id': requestId };
}

async function specify(app: Hono<AppEnv>): Promise<Specification> {
  const specification = await generateSpecs(app, {
    documentation: {
      openapi: '3.1.0',
      info: {
        title: 'Frontdesk',
        version: '1',
        description: 'Accounts, items, orders and a support desk. Errors are problem details (RFC 9457).',
        license: { name: 'UNLICENSED', identifier: 'UNLICENSED' },
      },
      servers: [{ url: '/' }],
      components: {
        securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
        // The library's type names the places of parameters one by one.
        parameters: parameters as object as NonNullable<NonNullable<Specification['components']>['parameters']>,
      },
    },
    defaultValidationErrorResponse: false,
  });
  for (const [path, item] of Object.entries(specification.paths ?? {})) {
    for (const [method, operation] of Object.entries(item ?? {})) complete(method, path, operation as Operation);
  }
  return specification;
}

/** `/openapi.json`, made from the very schemas that validate, and `/docs`, which shows it from our own origin. */
export function mountDocumentation(app: Hono<AppEnv>): void {
  let specification: Promise<Specification> | undefined;
  app.get('/openapi.json', async (c) => {
    specification ??= specify(app);
    return c.json(await specification);
  });
  app.get('/docs', (c) => c.html(page));
}
