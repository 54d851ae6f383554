import type { createSystem } from './system';

interface Specification {
  paths: Record<
    string,
    Record<
      string,
      {
        operationId: string;
        summary: string;
        'x-access'?: string;
        security?: Record<string, unknown>[];
        parameters?: {
          $ref?: string;
          name?: string;
          in?: string;
          schema?: { enum?: string[]; format?: string };
        }[];
        requestBody?: { content: Record<string, unknown> };
        responses: Record<string, { $ref?: string; content?: Record<string, { schema: { $ref?: string } }> }>;
      }
    >
  >;
}

/** Every operation of the OpenAPI document. A test in openapi.test.ts compares the document with the app's routes. */
export async function operationsOf({ request }: ReturnType<typeof createSystem>) {
  const { paths } = await (await request('/openapi.json')).json<Specification>();
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
}

/** The path with an id in the place of its parameter. */
export function pathWith(path: string, id: string): string {
  return path.replace('{view}', 'ticket').replace('dead-letters/{id}', 'dead-letters/999-emails').replace('{id}', id);
}
