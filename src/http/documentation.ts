import type { Hono } from 'hono';
import { html } from 'hono/html';
import { generateSpecs } from 'hono-openapi';
import type { ErrorInfo } from '../platform/errors';
import type { AppEnv } from './context';
import { limitHeaders, type ProblemStatus, refusalHeaders } from './openapi';
import { handleNotFound, problemPath, statusOf, titles } from './problem';
import { isTokenEndpoint } from './token-endpoint';

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
  requestBody?: object;
  security?: readonly object[];
  responses: Record<string, { description: string; headers?: Record<string, object>; content?: object }>;
}

const headerParameter = (name: string, description: string) => ({
  in: 'header',
  name,
  description,
  required: false,
  schema: { type: 'string' },
});

/** The header fields that requests may have; the kind of an operation decides which of them it documents. */
const parameters = {
  ConsistencyToken: headerParameter(
    'Consistency-Token',
    'The Consistency-Token of an earlier response. The request then uses data that is at least as new.',
  ),
  IdempotencyKey: headerParameter(
    'Idempotency-Key',
    'For 24 hours a request with the same key and body gets the stored response and has no second effect.',
  ),
  IfMatch: headerParameter(
    'If-Match',
    'The ETag of the resource as you read it, or a list of ETags. If none is the current one, the status is 412.',
  ),
  IfNoneMatch: headerParameter(
    'If-None-Match',
    'The ETag of the response that you have. If it is current, the status is 304.',
  ),
  RequestId: headerParameter('X-Request-Id', 'Your id for the request: 1 to 64 of `[A-Za-z0-9._-]`.'),
  Traceparent: headerParameter('traceparent', 'W3C Trace Context; a valid trace is continued.'),
};

type ParameterName = keyof typeof parameters;

const problemContent = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };

const tokenErrorContent = { 'application/json': { schema: { $ref: '#/components/schemas/TokenError' } } };

const requestId = {
  description: 'The id of the request in the logs of the API.',
  required: true,
  schema: { type: 'string' },
};

type Kind = 'command' | 'query' | 'other';

/** The refusals that follow from the kind of an operation and from its input. */
function derivedProblems({ parameters: own = [], requestBody, security = [] }: Operation, kind: Kind): ProblemStatus[] {
  const isIn = (place: string) => own.some((parameter) => 'in' in parameter && parameter.in === place);
  // A parameter of the query string that is unknown or wrong, or a malformed header.
  const problems: ProblemStatus[] = [400];
  if (isIn('path')) problems.push(404);
  if (requestBody) problems.push(413, 415, 422);
  // A conflict with another command, a precondition, a reused Idempotency-Key.
  if (kind === 'command') problems.push(409, 412, 422);
  // Whatever needs the database may have to give up.
  if (kind !== 'other' || security.length > 0) problems.push(503);
  return problems;
}

/** Adds everything that all operations of a kind have, so that no route has to repeat it. */
function completeOperation(method: string, path: string, operation: Operation): void {
  const { responses } = operation;
  const [success] = Object.entries(responses).find(([status]) => status.startsWith('2')) ?? [];
  const { ...headers } = (success && responses[success]?.headers) || {};
  const isToken = isTokenEndpoint(path);
  const isCommand = method !== 'get' && !isToken;
  const kind = isCommand ? 'command' : 'Consistency' in headers ? 'query' : 'other';
  const names: ParameterName[] = ['RequestId', 'Traceparent'];
  // A command takes the token also where its response has none.
  if (kind !== 'other') names.push('ConsistencyToken');
  if (method === 'get') names.push('IfNoneMatch');
  if (method === 'post' && !isToken) names.push('IdempotencyKey');
  if (path.includes('{') && '412' in responses) names.push('IfMatch');
  if (!isToken) {
    for (const status of derivedProblems(operation, kind)) {
      responses[status] ??= {
        description: titles[status] ?? 'Refused',
        ...(refusalHeaders[status] && { headers: refusalHeaders[status] }),
        content: problemContent,
      };
    }
  }
  // Strangers must not see the position of the log: it moves with what others do.
  if (kind === 'command' && !operation.security?.length) delete headers['Consistency-Token'];
  if (success && responses[success]) responses[success].headers = headers;
  const references = names.map((name) => ({ $ref: `#/components/parameters/${name}` }));
  operation.parameters = [...(operation.parameters ?? []), ...references];
  if (method === 'get') responses['304'] = { description: 'Not Modified', headers };
  if (success && responses[success] && '429' in responses) responses[success].headers = { ...headers, ...limitHeaders };
  responses.default = { description: titles[500] ?? 'Internal Server Error', content: problemContent };
  if (isToken) {
    const refusals = Object.entries(responses).filter(([status]) => !status.startsWith('2'));
    for (const [, refusal] of refusals) refusal.content = tokenErrorContent;
  }
  for (const response of Object.values(responses))
    response.headers = { ...response.headers, 'X-Request-Id': requestId };
}

async function specify(app: Hono<AppEnv>, { version, errors, tags }: ApiDescription): Promise<Specification> {
  const specification = await generateSpecs(app, {
    documentation: {
      openapi: '3.1.0',
      info: {
        title: 'Frontdesk',
        version,
        description: 'Accounts, items, orders and a support desk. Errors are problem details (RFC 9457).',
        license: { name: 'UNLICENSED', identifier: 'UNLICENSED' },
      },
      servers: [{ url: '/' }],
      tags: [...tags],
      components: {
        securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
        // The library's type wants the literal 'header' in each parameter.
        parameters: parameters as object as NonNullable<NonNullable<Specification['components']>['parameters']>,
      },
    },
    defaultValidationErrorResponse: false,
  });
  for (const [path, item] of Object.entries(specification.paths ?? {})) {
    for (const [method, operation] of Object.entries(item ?? {})) {
      completeOperation(method, path, operation as Operation);
    }
  }
  const { Problem } = specification.components?.schemas ?? {};
  // The schema in problem.ts cannot list the codes, because this folder knows no domain.
  if (Problem && 'properties' in Problem) Object.assign(Problem.properties?.code ?? {}, { enum: errors.map(codeOf) });
  return specification;
}

const codeOf = ({ code }: ErrorInfo) => code;

/** The page at the address that a problem has as its `type`. */
function problemPage({ code, kind, meaning, remedy }: ErrorInfo) {
  return html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${code} · Frontdesk API</title>
  </head>
  <body>
    <main>
      <h1><code>${code}</code></h1>
      <p>Status ${statusOf[kind]} ${titles[statusOf[kind]]}</p>
      <h2>What it means</h2>
      <p>${meaning}</p>
      <h2>What to do</h2>
      <p>${remedy}</p>
      <p><a href="/problems">All error codes</a> · <a href="/docs">API documentation</a></p>
    </main>
  </body>
</html>`;
}

function problemList(errors: readonly ErrorInfo[]) {
  return html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Error codes · Frontdesk API</title>
  </head>
  <body>
    <main>
      <h1>Error codes</h1>
      <table>
        <thead><tr><th>Code</th><th>Status</th><th>What it means</th></tr></thead>
        <tbody>${errors.map(
          ({ code, kind, meaning }) =>
            html`<tr><td><a href="${problemPath(code)}"><code>${code}</code></a></td><td>${statusOf[kind]}</td><td>${meaning}</td></tr>`,
        )}</tbody>
      </table>
    </main>
  </body>
</html>`;
}

/** The content of the documentation that does not come from the routes. */
interface ApiDescription {
  version: string;
  /** The groups of operations, in the order in which readers see them. */
  tags: readonly { name: string; description: string }[];
  /** The error catalogue of all domains. */
  errors: readonly ErrorInfo[];
}

/**
 * Adds `/openapi.json`, which is made from the schemas that validate requests; `/docs`, which shows it without scripts
 * from other origins; and the error catalogue at `/problems`.
 */
export function mountDocumentation(app: Hono<AppEnv>, description: ApiDescription): void {
  /** The result and not its promise, because the runtime ties a promise to the request that made it. */
  let specification: Specification | undefined;
  app.get('/openapi.json', async (c) => {
    specification ??= await specify(app, description);
    return c.json(specification);
  });
  app.get('/docs', (c) => c.html(page));
  app.get('/docs/assets/:file', async (c) => {
    const asset = await c.env.ASSETS.fetch(c.req.raw);
    // The responses of the assets to wrong requests are no problem details.
    if (asset.status !== 200 && asset.status !== 304) return handleNotFound(c);
    // The API's own rule for caches is for the data of its callers.
    c.header('Cache-Control', undefined);
    return c.newResponse(asset.body, asset);
  });
  app.get('/problems', (c) => c.html(problemList(description.errors)));
  app.get('/problems/:code', (c) => {
    const error = description.errors.find(({ code }) => code === c.req.param('code'));
    return error ? c.html(problemPage(error)) : handleNotFound(c);
  });
}
