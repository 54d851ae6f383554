import type { MiddlewareHandler } from 'hono';
import { type DescribeRouteOptions, describeRoute, resolver, uniqueSymbol } from 'hono-openapi';
import type * as z from 'zod';
import { commandResult } from './responses';
import { type HeaderName, headerReferences, type RefusalStatus, refusal } from './shared-responses';

type Status = 200 | 201 | 202 | 204;

interface RouteDescription {
  summary: string;
  description?: string;
  tags: string[];
  /** The body of the successful response. */
  body?: z.ZodType;
  /** The media type of this body, if it is not JSON. */
  mediaType?: string;
  /** The bodies of the other media types that a client can choose. */
  alternatives?: Readonly<Record<string, z.ZodType>>;
  /** The name in generated clients, for one of several operations that have the same command. */
  operationId?: string;
  /**
   * The refusals that cannot be derived. The derived refusals are 401 from `authenticate`, 429 and 503 from `limitByNetwork`,
   * 404 from a path parameter, 400, 413, 415 and 422 from validation, and those that every command or every query can
   * have: 409 and 412, and 503 of a database that does not answer.
   */
  problems?: readonly RefusalStatus[];
}

/** Which headers and refusals an operation has. */
export type OperationKind = 'command' | 'query' | 'plain' | 'token';

/** The member of an operation that has its kind; openapi-document.ts takes it out of the document. */
export const kindMember = 'x-kind';

/** The member of an operation that has the name of its command or query; openapi-document.ts takes it out as well. */
export const nameMember = 'x-name';

/** A name among the registered commands or queries, which a caller has to give as the type: `describeQuery<OrderQueries>`. */
type NameIn<Registered> = Extract<keyof NoInfer<Registered>, string>;

/** `PlaceOrder` → `placeOrder`. */
const toOperationId = (name: string) => name.charAt(0).toLowerCase() + name.slice(1);

const queryHeaders: readonly HeaderName[] = ['ETag', 'Consistency', 'Age', 'Cache-Status'];
const commandHeaders: readonly HeaderName[] = ['Consistency-Token', 'Idempotency-Replayed'];

const successes: Record<Status, string> = { 200: 'Done', 201: 'Created', 202: 'Accepted', 204: 'Done' };

function contentOf({
  body,
  mediaType = 'application/json',
  alternatives = {},
}: Pick<RouteDescription, 'alternatives' | 'body' | 'mediaType'>) {
  const bodies = Object.entries({ ...(body && { [mediaType]: body }), ...alternatives });
  if (bodies.length === 0) return undefined;
  return { content: Object.fromEntries(bodies.map(([media, schema]) => [media, { schema: resolver(schema) }])) };
}

/** The part of an operation that generates its name, its description and its responses. */
function describeWith(
  kind: OperationKind,
  name: string,
  { summary, description, tags, problems = [], operationId = toOperationId(name), ...success }: RouteDescription,
  status: Status,
  headers: readonly HeaderName[],
  others: DescribeRouteOptions['responses'] = {},
) {
  const content = contentOf(success);
  return describeRoute({
    operationId,
    summary,
    ...(description === undefined ? {} : { description }),
    tags,
    // For a route with credentials, `authenticate` adds them.
    security: [],
    responses: {
      [status]: { description: successes[status], headers: headerReferences(headers), ...content },
      ...others,
      ...Object.fromEntries(problems.map((code) => [code, refusal(code)])),
    },
    ...{ [kindMember]: kind, [nameMember]: name },
  });
}

/**
 * Documents a command: its response carries a Consistency-Token, if the operation asks for credentials.
 * @param command the command that the route calls; it is the name of the operation in generated clients
 */
export function describeCommand<Commands>(
  command: NameIn<Commands>,
  { status = 200, ignoresIfMatch = false, ...about }: RouteDescription & { status?: Status; ignoresIfMatch?: boolean },
) {
  const hasAddress = (status === 201 || status === 202) && about.body !== undefined;
  const headers: HeaderName[] = [
    ...commandHeaders,
    ...(about.body === commandResult ? (['ETag'] as const) : []),
    ...(hasAddress ? (['Location'] as const) : []),
  ];
  return describeWith('command', command, about, status, headers, ignoresIfMatch ? {} : { 412: refusal(412) });
}

/**
 * Documents a query: it takes a Consistency-Token, and its response shows its freshness.
 * @param query the query that the route calls
 */
export function describeQuery<Queries>(query: NameIn<Queries>, about: RouteDescription) {
  return describeWith('query', query, about, 200, queryHeaders);
}

/** Documents a query for data that no document has: as {@link describeQuery}, without what it says about KV. */
export function describeUnstoredQuery<Queries>(query: NameIn<Queries>, about: RouteDescription) {
  const headers = queryHeaders.filter((name) => name !== 'Cache-Status');
  return describeWith('query', query, about, 200, headers);
}

/**
 * Documents an operation that neither takes nor returns a Consistency-Token, and does not look at an Idempotency-Key.
 * @param name the command or query that the route calls; any name for a route that calls none
 * @param about.unavailable true if the operation also responds with 503 and the same body
 */
export function describePlain<Registered = Record<string, unknown>>(
  name: NameIn<Registered>,
  { status = 200, unavailable = false, ...about }: RouteDescription & { status?: Status; unavailable?: boolean },
) {
  const content = contentOf(about);
  const others = unavailable ? { 503: { description: 'Unavailable', ...content } } : {};
  return describeWith('plain', name, about, status, [], others);
}

/** Documents the token endpoint, which has the errors of RFC 6749. */
export function describeToken(
  operationId: string,
  about: Pick<RouteDescription, 'summary' | 'description' | 'tags' | 'body'>,
) {
  const described = { description: 'The password grant is for first-party clients.', ...about };
  const problems = [400, 401, 413, 415, 500, 503] as const;
  return describeWith('token', operationId, { ...described, problems }, 200, ['Consistency-Token']);
}

/** Gives a middleware its part of the OpenAPI document, so that no route has to repeat the part. */
export function documented<Handler extends MiddlewareHandler>(spec: DescribeRouteOptions, handler: Handler): Handler {
  return Object.assign(handler, { [uniqueSymbol]: { spec } });
}
