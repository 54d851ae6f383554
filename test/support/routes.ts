import { limits } from '../../src/platform/limits';
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
        'x-scopes'?: string[];
        security?: Record<string, unknown>[];
        parameters?: {
          $ref?: string;
          name?: string;
          in?: string;
          schema?: { enum?: string[]; format?: string };
        }[];
        requestBody?: { content: Record<string, unknown> };
        responses: Record<
          string,
          { $ref?: string; headers?: object; content?: Record<string, { schema: { $ref?: string } }> }
        >;
      }
    >
  >;
}

/** Every operation of the OpenAPI document. A test in openapi.test.ts compares the document with the app's routes. */
export async function operationsOf({ readDocument }: Pick<ReturnType<typeof createSystem>, 'readDocument'>) {
  const { paths } = JSON.parse(await readDocument()) as Specification;
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
}

/** The path with an id in the place of its parameter. */
export function pathWith(path: string, id: string): string {
  return path.replace('{view}', 'ticket').replace('dead-letters/{id}', 'dead-letters/999-emails').replace('{id}', id);
}

type Operation = Awaited<ReturnType<typeof operationsOf>>[number]['operation'];

/** Whether a GET also sends a command: each export is recorded, and its response is no other one's. */
export function isExport(path: string): boolean {
  return path.startsWith('/v1/exports/') || path.endsWith('/export');
}

const pageParameters = ['limit', 'cursor'];

/** The longest page that a list's document has. */
export const usualPage = limits.firstPageSize - 1;

/** Whether the operation starts, refreshes or ends a session; tests of their own send these requests. */
export function isSignIn(path: string): boolean {
  return /\/auth\/(?:token|login|session)(?:\/|$)/.test(path);
}

/** Whether the operation reads a page of a list. */
export function isList({ parameters = [] }: Operation): boolean {
  return parameters.some(({ name }) => name === 'cursor');
}

/**
 * The queries of a list by its parameters: with and without each parameter that is the id of an account, and with each
 * value of each parameter that has a list of values.
 * @param account the id of the account
 */
export function queriesOf({ parameters = [] }: Operation, account: string): string[] {
  const filters = parameters.filter(
    (parameter) => parameter.in === 'query' && !pageParameters.includes(`${parameter.name}`),
  );
  const accounts = filters.filter(({ schema }) => schema?.format === 'uuid').map(({ name }) => `&${name}=${account}`);
  const values = filters.flatMap(({ name, schema }) => schema?.enum?.map((value) => `&${name}=${value}`) ?? []);
  return ['', ...accounts].flatMap((owner) => ['', ...values].map((value) => `?limit=${usualPage}${owner}${value}`));
}
