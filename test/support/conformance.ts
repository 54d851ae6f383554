import { dereference, type Schema, validate } from '@cfworker/json-schema';

interface Reference {
  $ref: string;
}

interface DocumentedResponse {
  description?: string;
  headers?: Record<string, { required?: boolean } | Reference>;
  content?: Record<string, { schema: Schema }>;
}

interface Specification {
  paths: Record<string, Record<string, { responses: Record<string, DocumentedResponse | Reference> }>>;
  components: object;
}

/** The statuses that a request can get before it reaches a route: unknown path, unknown method, body too large. */
const statusesBeforeRoutes = [404, 405, 413];

/** What a reference in the document leads to; anything else as it is. */
export function follow<Value extends object>(document: object, value: Value | Reference): Value {
  if (!('$ref' in value)) return value;
  const [, ...names] = value.$ref.split('/');
  const found = names.reduce<unknown>((part, name) => (part as Record<string, unknown> | undefined)?.[name], document);
  if (!found) throw new Error(`The document has no ${value.$ref}.`);
  return found as Value;
}

/** The schema with every object closed, so that a field without documentation does not fit the schema. */
function close<Value>(value: Value): Value {
  if (Array.isArray(value)) return value.map(close) as Value;
  if (typeof value !== 'object' || value === null) return value;
  const closed = Object.fromEntries(Object.entries(value).map(([key, part]) => [key, close(part)]));
  return ('properties' in closed ? { additionalProperties: false, ...closed } : closed) as Value;
}

/** What the schema of a body describes: JSON, each line of newline-delimited JSON, or a text. */
function valuesOf(media: string, body: string): unknown[] {
  if (media === 'application/x-ndjson')
    return body
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  return [media.startsWith('text/') ? body : JSON.parse(body)];
}

/**
 * Makes a function that compares a response with the OpenAPI document. The function throws for a status, media type,
 * header or body that the document does not describe, so that the test that got the response fails.
 */
export function createConformance(load: () => Promise<Response>) {
  let prepared: ReturnType<typeof prepare> | undefined;
  const compared = new Set<Schema>();

  async function prepare() {
    const specification = close(await (await load()).json<Specification>());
    const templates = Object.keys(specification.paths).map((template) => ({
      template,
      pattern: new RegExp(`^${template.replace(/\{[^}]+\}/g, '[^/]+')}$`),
    }));
    // The schemas of all responses refer to the same components, which are looked through once.
    return { specification, templates, schemas: dereference({ components: specification.components } as Schema) };
  }

  function findOperation(
    { specification, templates }: Awaited<ReturnType<typeof prepare>>,
    method: string,
    path: string,
  ) {
    const { paths } = specification;
    // `/users/me` matches before `/users/{id}`.
    const template = path in paths ? path : templates.find(({ pattern }) => pattern.test(path))?.template;
    return template === undefined ? undefined : { template, operation: paths[template]?.[method] };
  }

  return async (method: string, url: string, response: Response): Promise<void> => {
    if (method === 'OPTIONS') return;
    prepared ??= prepare();
    const { specification: known, schemas } = await prepared;
    const path = url.replace(/[?#].*$/, '');
    const name = `${method} ${path}: ${response.status}`;
    const found = findOperation(await prepared, method === 'HEAD' ? 'get' : method.toLowerCase(), path);
    if (!found?.operation) {
      if (/^\/v1\//.test(path) && !statusesBeforeRoutes.includes(response.status))
        throw new Error(`${name} comes from a route that is not documented`);
      return;
    }
    const { responses } = found.operation;
    const isUnexpected = response.status >= 500 && !responses[response.status];
    const named = isUnexpected ? responses.default : responses[response.status];
    if (!named) throw new Error(`${name} is a status that is not documented`);
    const documented = follow(known, named);
    for (const [header, described] of Object.entries(documented.headers ?? {})) {
      if (follow(known, described).required && !response.headers.has(header))
        throw new Error(`${name} lacks the documented header ${header}`);
    }
    // workerd warns when text() reads a body of another media type than a text.
    const body = new TextDecoder().decode(await response.arrayBuffer());
    if (method === 'HEAD' || body === '') return;
    if ([404, 409].includes(response.status) && !body.includes('"details":{'))
      throw new Error(`${name} has no details, but every 404 and 409 must have them`);
    const media = response.headers.get('Content-Type')?.split(';')[0] ?? '';
    const { code } = media === 'application/problem+json' ? (JSON.parse(body) as { code: string }) : {};
    if (code !== undefined && !isUnexpected && !documented.description?.includes(`\`${code}\``))
      throw new Error(`${name} has the code ${code}, which its operation does not list`);
    const schema = documented.content?.[media]?.schema;
    if (!schema) throw new Error(`${name} has the media type ${media}, which is not documented`);
    if (!compared.has(schema)) dereference(schema, schemas, undefined, `/responses/${compared.size}`);
    compared.add(schema);
    for (const value of valuesOf(media, body)) {
      const { valid, errors } = validate(value, schema, '2020-12', schemas, false);
      if (!valid) throw new Error(`${name} does not fit its schema: ${JSON.stringify(errors.slice(-3))} ${body}`);
    }
  };
}
