import type { createSystem } from './system';

interface Schema {
  $ref?: string;
  type?: string | string[];
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  format?: string;
  pattern?: string;
  enum?: unknown[];
  const?: unknown;
}

interface Specification {
  paths: Record<string, Record<string, { requestBody?: { content: Record<string, { schema: Schema }> } }>>;
  components: { schemas: Record<string, Schema> };
}

/**
 * Makes a function that puts a text of its own into every field of a body in which a person can type freely. The OpenAPI
 * document says which fields these are, so a new operation needs no entry.
 */
export async function createTyping({ request }: ReturnType<typeof createSystem>, newText: () => string) {
  const { paths, components } = await (await request('/openapi.json')).json<Specification>();

  function resolve({ $ref, anyOf, ...schema }: Schema): Schema {
    if ($ref !== undefined) return resolve(components.schemas[$ref.split('/').at(-1) ?? ''] ?? {});
    // `anyOf` with null is how an optional value is written.
    return anyOf ? resolve(anyOf.find(({ type }) => type !== 'null') ?? {}) : schema;
  }

  function typeInto(schema: Schema, value: unknown, also: 'optional fields' | 'no other'): unknown {
    const { type, format, pattern, items, properties, ...rest } = resolve(schema);
    if (Array.isArray(value)) return value.map((part) => typeInto(items ?? {}, part, also));
    if (properties && typeof value === 'object' && value !== null) {
      const names = Object.keys(properties).filter((name) => also === 'optional fields' || name in value);
      const parts = names.map((name) => [name, typeInto(properties[name] ?? {}, Reflect.get(value, name), also)]);
      return Object.fromEntries(parts.filter(([, part]) => part !== undefined));
    }
    if (type !== 'string' || format || rest.enum || rest.const !== undefined) return value;
    // A pattern may forbid line breaks alone, or ask for a code that nobody can choose.
    return pattern === undefined || new RegExp(pattern, 'u').test('Typed') ? newText() : value;
  }

  /** @param also whether optional fields that the body lacks get a text too */
  return function type(method: string, path: string, body: unknown, also: 'optional fields' | 'no other'): unknown {
    const template = path.replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/, '{id}');
    const schema = paths[template]?.[method.toLowerCase()]?.requestBody?.content['application/json']?.schema;
    return schema ? typeInto(schema, body, also) : body;
  };
}
