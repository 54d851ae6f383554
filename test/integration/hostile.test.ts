import { beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../src/platform/ids';
import { operationsOf, pathWith } from '../support/routes';
import { createSystem } from '../support/system';

// Every route gets requests that try to make its refusals large: many, long and nested fields, and long addresses and
// header fields. A refusal must stay small, whatever the request was.

const largestRefusal = 16 * 1024;
const system = createSystem();
let bearer: Record<string, string>;

beforeAll(async () => {
  ({ bearer } = await system.register({ role: 'admin' }));
});

interface Schema {
  $ref?: string;
  type?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
}

type Operation = Awaited<ReturnType<typeof operationsOf>>[number];

const operations = await operationsOf(system);
const { components } = await (await system.request('/openapi.json')).json<{
  components: { schemas: Record<string, Schema> };
}>();

/** A text that is the longest in JSON: each of its characters needs six bytes. */
const controls = (length: number) => '\u0001'.repeat(length);
const fill = (count: number, key: (index: number) => string) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [key(index), 1]));

/** JSON texts of up to 64 KiB, each for another part of a refusal that could grow. */
const hostileJson = [
  JSON.stringify(fill(5000, (index) => `field${index}`)),
  JSON.stringify(fill(19, (index) => `${index}${controls(500)}`)),
  JSON.stringify({ ['~/'.repeat(15_000)]: 1 }),
  JSON.stringify({ ['€'.repeat(20_000)]: 1 }),
  JSON.stringify('a'.repeat(60_000)),
  JSON.stringify(controls(10_000)),
  JSON.stringify(Array.from({ length: 3000 }, () => ({ unknown: 1, itemId: 'x', quantity: 0 }))),
  JSON.stringify(Array.from({ length: 20_000 }, () => 0)),
  `${'['.repeat(30_000)}${']'.repeat(30_000)}`,
  `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`,
  `"${'\\ud800'.repeat(10_000)}"`,
  `[${Array.from({ length: 5000 }, () => '"\\u0000"').join()}]`,
  `{${Array.from({ length: 3000 }, (_, index) => `"\\udc00${index}":1`).join()}}`,
];

const hostileText = [
  'x'.repeat(8000),
  '%F0%9F%98%80'.repeat(900),
  '%00',
  '%FF'.repeat(900),
  '%ED%A0%80',
  '|[]^`"'.repeat(900),
];

const hostileFields: Record<string, string>[] = [
  { 'If-Match': `"${'9'.repeat(30_000)}"` },
  { 'If-Match': Array.from({ length: 5000 }, (_, index) => `"${index}"`).join() },
  { 'If-None-Match': Array.from({ length: 5000 }, () => 'W/"x"').join() },
  { 'Idempotency-Key': 'k'.repeat(30_000) },
  { 'Consistency-Token': 'e30'.repeat(10_000) },
  { Authorization: `Bearer ${'a'.repeat(30_000)}` },
  { 'Content-Type': `application/json; charset=${'x'.repeat(30_000)}` },
  { 'Content-Encoding': 'gzip,'.repeat(5000) },
  { 'X-Request-Id': 'r'.repeat(30_000), traceparent: '0'.repeat(30_000) },
];

function schemaOf(schema: Schema | undefined): Schema {
  return (schema?.$ref && components.schemas[schema.$ref.split('/').at(-1) ?? '']) || schema || {};
}

/** Puts each text at the place of the whole body, of each of its fields, and of the fields of these. */
function* hostileBodies(schema: Schema, text: string, depth = 0): Generator<string> {
  yield text;
  if (depth > 2) return;
  for (const [name, part] of Object.entries(schema.properties ?? {})) {
    const field = schemaOf(part);
    for (const body of hostileBodies(field, text, depth + 1)) yield `{${JSON.stringify(name)}:${body}}`;
    if (!field.items) continue;
    for (const body of hostileBodies(schemaOf(field.items), text, depth + 1))
      yield `{${JSON.stringify(name)}:[${body}]}`;
  }
}

/** Every hostile request to an operation; each changes one part of a request. */
function* hostileRequests({ method, path, operation }: Operation): Generator<[target: string, init: RequestInit]> {
  const target = pathWith(path, newId());
  const content = Object.entries(operation.requestBody?.content ?? {});
  for (const [media, described] of content) {
    const { schema } = described as { schema: Schema };
    const headers = { ...bearer, 'Content-Type': media };
    for (const text of hostileJson) {
      if (media === 'application/json') {
        for (const body of hostileBodies(schemaOf(schema), text)) yield [target, { method, headers, body }];
      } else {
        const value = encodeURIComponent(text.slice(0, 10_000).replaceAll(/\p{Surrogate}/gu, ''));
        for (const name of ['grant_type', 'username', 'password', 'x'])
          yield [target, { method, headers, body: `grant_type=password&${name}=${value}` }];
      }
    }
  }
  const [[media] = ['application/json']] = content;
  const body = content.length > 0 ? '{}' : null;
  const headers = { ...bearer, ...(content.length > 0 && { 'Content-Type': media }) };
  for (const fields of hostileFields) yield [target, { method, headers: { ...headers, ...fields }, body }];
  for (const text of hostileText) {
    yield [`${target}?${text}=${text}`, { method, headers, body }];
    for (const parameter of operation.parameters ?? []) {
      const { in: place, name } = parameter as { in?: string; name?: string };
      if (place === 'query') yield [`${target}?${name}=${text}&${name}=${text}`, { method, headers, body }];
      if (place === 'path') yield [path.replace(`{${name}}`, text), { method, headers, body }];
    }
  }
}

/** Why a response is not a refusal of the promised kind; undefined if it is one, or no refusal. */
async function fault(response: Response): Promise<string | undefined> {
  if (response.status < 400) return undefined;
  if (response.status >= 500) return `has the status ${response.status}`;
  const text = await response.text();
  const size = new TextEncoder().encode(text).length;
  if (size > largestRefusal) return `has ${size} bytes`;
  const {
    code = '',
    detail,
    errors = [],
    instance = '',
  } = JSON.parse(text) as {
    code?: string;
    detail?: string;
    errors?: { pointer: string; detail: string }[];
    instance?: string;
  };
  if (/^http\.(?:validation-failed|invalid-query)$/.test(code) && errors.length === 0) return 'names no field';
  if (errors.length > 20) return `has ${errors.length} errors`;
  const texts = [detail ?? '', ...errors.map((error) => error.detail)];
  if (texts.some((part) => part.length > 300)) return 'has a long text';
  if (errors.some(({ pointer }) => pointer.length > 200)) return 'has a long pointer';
  if (!/^(?:\/(?!\/)(?:[\w.~!$&'()*+,;=:@/-]|%[\da-f]{2})*)?$/i.test(instance)) return 'has an instance that is no URI';
  return undefined;
}

describe.each(operations.map((operation) => [`${operation.method} ${operation.path}`, operation] as const))(
  '%s',
  (name, operation) => {
    test('no hostile request gets a refusal of more than 16 KB, 20 errors or a long text, and none fails (product 6.1)', async () => {
      let refused = 0;
      for (const [target, init] of hostileRequests(operation)) {
        const response = await system.request(target, init);
        if (response.status >= 400) refused++;
        const found = await fault(response);
        if (found) throw new Error(`${name} ${target.slice(0, 100)} ${String(init.body).slice(0, 100)} ${found}`);
      }
      expect(refused).toBeGreaterThan(operation.path.includes('{') || operation.operation.requestBody ? 5 : -1);
    });
  },
);

test('addresses without a route, and methods that a route does not have, get small refusals too (product 6.1)', async () => {
  const paths = ['/', '//example.com', '/docs/assets/', '/problems/', '/v1/nothing/'];
  for (const path of paths.flatMap((start) => hostileText.map((text) => `${start}${text}`))) {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const response = await system.request(path, { method });
      expect([path.slice(0, 50), response.status >= 400, await fault(response)]).toEqual([
        path.slice(0, 50),
        true,
        undefined,
      ]);
      expect(response.headers.get('Content-Type')).toBe('application/problem+json');
    }
  }
});
