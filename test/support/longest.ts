import type { createSystem } from './system';

/** The part of a JSON schema that decides how long a value can be. */
interface Schema {
  $ref?: string;
  type?: string;
  properties?: Record<string, Schema>;
  maxLength?: number;
  maximum?: number;
  pattern?: string;
}

const bytesOfBody = 64 * 1024;

/** A control character needs six bytes in JSON, and it is no space that a schema trims. Other characters need three. */
const [six, three] = ['\u0001', '€'];

export function bytesOf(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value)).length;
}

/** The text with so many characters that is the longest in JSON, within so many bytes. */
function longestText(characters: number, bytes: number): string {
  const controls = Math.min(characters, Math.max(0, Math.floor((bytes - 3 * characters) / 3)));
  return six.repeat(controls) + three.repeat(characters - controls);
}

/**
 * Makes the longest request bodies that the OpenAPI document and the limit of a body allow.
 * @param special values for the fields whose schema says too little, by their names
 */
export async function createLongestBodies(
  { request }: ReturnType<typeof createSystem>,
  special: Readonly<Record<string, unknown>>,
) {
  const { components } = await (await request('/openapi.json')).json<{
    components: { schemas: Record<string, Schema> };
  }>();

  function longest(schema: Schema, name: string, bytes: number): unknown {
    if (name in special) return special[name];
    if (schema.$ref) return longest(components.schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {}, name, bytes);
    if (schema.properties) return longestObject(schema.properties, bytes);
    if (schema.maximum !== undefined) return schema.maximum;
    if (schema.type === 'boolean') return false;
    if (schema.maxLength === undefined) throw new Error(`The field ${name} has no longest value: add one to special.`);
    const texts = [longestText(schema.maxLength, bytes), three.repeat(schema.maxLength)];
    const text = texts.find((candidate) => new RegExp(schema.pattern ?? '').test(candidate));
    if (text === undefined) throw new Error(`The field ${name} has a pattern: add a value to special.`);
    return text;
  }

  /** Fills the short fields first, so that the longest field gets the bytes that are left. */
  function longestObject(properties: Record<string, Schema>, bytes: number): Record<string, unknown> {
    const fields = Object.entries(properties).sort(([, a], [, b]) => (a.maxLength ?? 0) - (b.maxLength ?? 0));
    const body: Record<string, unknown> = {};
    for (const [name, schema] of fields) body[name] = longest(schema, name, bytes - bytesOf({ ...body, [name]: '' }));
    return body;
  }

  return (schemaName: string): Record<string, unknown> =>
    longestObject(components.schemas[schemaName]?.properties ?? {}, bytesOfBody);
}
