import type { Hono } from 'hono';
import { generateSpecs } from 'hono-openapi';
import type { Scope } from '../access/scopes';
import type { ErrorInfo } from '../platform/errors';
import { securityFor, securitySchemes } from './authentication';
import type { AppEnv } from './context';
import { kindMember, nameMember, type OperationKind } from './openapi';
import { tidySchemas } from './openapi-schemas';
import {
  type GroupErrors,
  headerReferences,
  headers,
  type RefusalStatus,
  refusal,
  refusalName,
  sharedResponses,
  tokenRefusal,
} from './shared-responses';

/** The content of the document that does not come from the routes. */
export interface ApiDescription {
  version: string;
  /** The introduction, in Markdown, with examples for the address of the API. */
  introduction(url: string): string;
  /** The groups of operations, in the order in which readers see them. */
  tags: readonly (GroupErrors & { description: string })[];
  /** The error catalogue of all domains. Every operation can have those that belong to no group. */
  errors: readonly ErrorInfo[];
  /** The scope that an API key needs for each command or query; without one, no key may carry it out. */
  scopeOf: Readonly<Record<string, Scope | undefined>>;
}

export type Specification = Awaited<ReturnType<typeof generateSpecs>>;

interface OperationResponse {
  description: string;
  headers?: Record<string, object>;
  content?: object;
}

interface Operation {
  [kindMember]?: OperationKind;
  [nameMember]?: string;
  'x-scopes'?: readonly Scope[];
  tags: string[];
  parameters?: object[];
  requestBody?: object;
  security?: readonly object[];
  responses: Record<string, OperationResponse | { $ref: string }>;
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

/** The refusals that follow from the kind of an operation and from its input. */
function derivedRefusals({ parameters: own = [], requestBody, security = [] }: Operation, kind: OperationKind) {
  const isIn = (place: string) => own.some((parameter) => 'in' in parameter && parameter.in === place);
  // A parameter of the query string that is unknown or wrong, or a malformed header.
  const statuses: RefusalStatus[] = [400];
  if (isIn('path')) statuses.push(404);
  if (requestBody) statuses.push(413, 415, 422);
  // A conflict with another command, a precondition, a reused Idempotency-Key.
  if (kind === 'command') statuses.push(409, 412, 422);
  // Whatever needs the database may have to give up.
  if (kind !== 'plain' || security.length > 0) statuses.push(503);
  return statuses;
}

function parameterNames(method: string, path: string, { responses }: Operation, kind: OperationKind): ParameterName[] {
  return [
    // A command takes the token also where its response has none.
    ...(kind === 'command' || kind === 'query' ? (['ConsistencyToken'] as const) : []),
    ...(method === 'get' ? (['IfNoneMatch'] as const) : []),
    ...(method === 'post' && kind === 'command' ? (['IdempotencyKey'] as const) : []),
    ...(path.includes('{') && '412' in responses ? (['IfMatch'] as const) : []),
    'RequestId',
    'Traceparent',
  ];
}

/** Adds everything that all operations of a kind have, so that no route has to repeat it. */
function completeOperation(
  method: string,
  path: string,
  operation: Operation,
  shared: object,
  scopeOf: ApiDescription['scopeOf'],
): void {
  const { responses, [kindMember]: kind = 'plain', [nameMember]: name = '' } = operation;
  delete operation[kindMember];
  delete operation[nameMember];
  const scope = scopeOf[name];
  if (operation.security?.length) {
    operation.security = securityFor(scope);
    if (scope) operation['x-scopes'] = [scope];
  }
  const references = parameterNames(method, path, operation, kind).map((name) => ({
    $ref: `#/components/parameters/${name}`,
  }));
  if (kind === 'token') {
    const refused = Object.keys(responses).filter((status) => !status.startsWith('2'));
    for (const status of refused) responses[status] = tokenRefusal(Number(status) as RefusalStatus);
  } else {
    for (const status of derivedRefusals(operation, kind)) responses[status] ??= refusal(status);
    for (const status of Object.keys(responses).map(Number) as RefusalStatus[]) {
      // The refusals of the group have its own codes beside those of every operation.
      const isGeneral = (responses[status] as { $ref?: string }).$ref === refusal(status).$ref;
      const [group] = operation.tags;
      if (isGeneral && refusalName(status, group) in shared) responses[status] = refusal(status, group);
    }
  }
  operation.parameters = [...(operation.parameters ?? []), ...references];
  for (const [status, response] of Object.entries(responses)) {
    if ('$ref' in response) continue;
    const isSuccess = status.startsWith('2');
    const limits = headerReferences(isSuccess && '429' in responses ? ['RateLimit-Policy', 'RateLimit'] : []);
    const all = { ...response.headers, ...limits, ...headerReferences(['X-Request-Id']) };
    // Strangers must not see the position of the log: it moves with what others do.
    if (kind === 'command' && !operation.security?.length) delete all['Consistency-Token'];
    // The token for an API key comes from no change, so its response has none.
    if (kind === 'token' && isSuccess) {
      Object.assign(all, { 'Consistency-Token': { ...headers['Consistency-Token'], required: false } });
    }
    responses[status] = { ...response, headers: all };
    if (isSuccess && method === 'get') {
      responses['304'] = { description: 'The ETag that you sent is the current one.', headers: all };
    }
  }
  // The limit of API keys, whose headers only a refusal has.
  if (operation.security?.length) responses['429'] ??= refusal(429);
  responses.default = kind === 'token' ? tokenRefusal(500) : refusal(500);
}

/** Makes the OpenAPI document from the schemas that validate requests, and from what the routes say of themselves. */
export async function specify(
  app: Hono<AppEnv>,
  { version, introduction, errors, tags, scopeOf }: ApiDescription,
  url: string,
): Promise<Specification> {
  const responses = sharedResponses(errors, tags);
  const components = { headers, parameters, responses };
  const specification = await generateSpecs(app, {
    documentation: {
      openapi: '3.1.0',
      info: {
        title: 'Frontdesk',
        version,
        description: introduction(url),
      },
      servers: [{ url: '/' }],
      tags: tags.map(({ name, description }) => ({ name, description })),
      components: {
        securitySchemes,
        // The library's types want literals in each parameter and response.
        ...(components as object),
      },
    },
    defaultValidationErrorResponse: false,
  });
  const paths = Object.entries((specification.paths ?? {}) as Record<string, Record<string, Operation>>);
  for (const [path, item] of paths) {
    for (const [method, operation] of Object.entries(item)) {
      completeOperation(method, path, operation, responses, scopeOf);
    }
  }
  tidySchemas(specification);
  const { Problem } = specification.components?.schemas ?? {};
  // The schema in problem.ts cannot list the codes, because this folder knows no domain.
  if (Problem && 'properties' in Problem) Object.assign(Problem.properties?.code ?? {}, { enum: errors.map(codeOf) });
  const rankOf = (item: Record<string, Operation>) =>
    tags.findIndex(({ name }) => Object.values(item).some((operation) => operation.tags.includes(name)));
  const sorted = paths.toSorted(([, a], [, b]) => rankOf(a) - rankOf(b));
  return { ...specification, paths: Object.fromEntries(sorted) as NonNullable<Specification['paths']> };
}

const codeOf = ({ code }: ErrorInfo) => code;
