import { zValidator } from '@hono/zod-validator';
import type { Context, MiddlewareHandler } from 'hono';
import { matchedRoutes } from 'hono/route';
import { resolver, uniqueSymbol } from 'hono-openapi';
import * as z from 'zod';
import { type BodyKind, isReadableBody } from './body';
import type { AppEnv } from './context';
import { httpErrors } from './errors';
import { describeIssue, describeParameterIssue, toFieldErrors, unstorableTexts } from './field-errors';
import { isEncodedUtf8 } from './uri';

type Target = BodyKind | 'param' | 'query';

function refuse(target: Target, error: z.core.$ZodError): Error {
  // A path parameter is an id: if the id cannot exist, the resource does not exist.
  if (target === 'param') return httpErrors.notFound({ documentation: '/docs' });
  const errors = toFieldErrors(error.issues);
  return target === 'query' ? httpErrors.invalidQuery({}, { errors }) : httpErrors.validationFailed({}, { errors });
}

/** The schema that refuses unknown parameters of a query string, because a misspelt filter would return everything. */
function withoutUnknown(target: Target, schema: z.ZodType): z.ZodType {
  return target === 'query' && schema instanceof z.ZodObject ? schema.strict() : schema;
}

/** What the typed client takes for a parameter of a query: a number or a boolean where the text stands for one. */
type Parameter<Text, Value> =
  | Exclude<Text, string>
  | (Exclude<Value, undefined> extends number
      ? number | `${number}`
      : [Text] extends ['true' | 'false' | undefined]
        ? boolean | 'true' | 'false'
        : Extract<Text, string>);

type Parameters<Text, Value> = {
  [Name in keyof Text]: Parameter<Text[Name], Name extends keyof Value ? Value[Name] : never>;
};

/** A call of the typed client needs no query of which every parameter is optional. */
type Query<Sent> = Partial<Sent> extends Sent ? { query?: Sent } : { query: Sent };

/** What a validated part is for the typed client (`in`) and for the handler (`out`). */
interface Validated<Schema extends z.ZodType, Part extends Target> {
  in: Part extends 'query' ? Query<Parameters<z.input<Schema>, z.output<Schema>>> : { [Name in Part]: z.input<Schema> };
  out: { [Name in Part]: z.output<Schema> };
}

/**
 * Validates one part of a request, and documents it: the schema that validates is the one in the OpenAPI document.
 * @throws DomainError 422 for a body, 400 for a query, 404 for a path; 415 and 400 for a body that cannot be read
 */
export function validate<Schema extends z.ZodType, Part extends Target>(
  target: Part,
  schema: Schema,
  refusal?: (error: z.core.$ZodError, input: unknown) => Error,
) {
  const strict = withoutUnknown(target, schema);
  const describe = target === 'query' ? describeParameterIssue : describeIssue;
  function parse(_: Schema, value: unknown) {
    const issues = unstorableTexts(value);
    if (issues.length > 0) return { success: false, error: new z.ZodError(issues) };
    return strict.safeParse(value, { error: describe });
  }
  const checked = zValidator(
    target,
    schema,
    (result) => {
      if (!result.success) throw refusal?.(result.error, result.data) ?? refuse(target, result.error);
    },
    // The library's type depends on the schema, which is not known yet.
    { validationFunction: parse as never },
  );

  async function prepare(c: Context<AppEnv>) {
    const isBody = target === 'json' || target === 'form';
    if (isBody && !(await isReadableBody(c, target))) {
      throw refusal?.(new z.ZodError([unreadable]), undefined) ?? httpErrors.invalidBody({});
    }
    if (target === 'query' && c.req.url.includes('?') && !isEncodedUtf8(new URL(c.req.url).search)) {
      throw httpErrors.invalidQuery({}, { errors: [notUtf8] });
    }
  }
  const validator: MiddlewareHandler<AppEnv, string, Validated<Schema, Part>> = async (c, next) => {
    // Every route has the environment of the app. A path has passed the router, so it needs no preparation.
    if (target !== 'param') await prepare(c as unknown as Context<AppEnv>);
    // The library's types are wider: for it each parameter of a query is a text.
    return checked(c as never, next);
  };
  const media = target === 'form' ? { options: { media: 'application/x-www-form-urlencoded' } } : {};
  return Object.assign(validator, { [uniqueSymbol]: { target, ...resolver(schema), ...media } });
}

const unreadable = { code: 'custom' as const, path: [], message: 'is not in the format of its media type' };
const notUtf8 = { pointer: '', detail: 'has percent-encoded bytes that are not UTF-8', code: 'invalid_encoding' };

const noParameters = z.strictObject({});

/** Whether a handler is a validator of the query string; {@link validate} marks each validator with its target. */
function validatesQuery(handler: object): boolean {
  const mark = uniqueSymbol in handler ? (handler[uniqueSymbol] as { target?: Target }) : {};
  return mark.target === 'query';
}

/** Refuses every parameter of a query string where the route takes none; all other routes refuse those that they do not know. */
export function refuseParameters(c: Context<AppEnv>): void {
  if (!c.req.url.includes('?')) return;
  const routes = matchedRoutes(c).filter(({ method, path }) => method !== 'ALL' && path.startsWith('/v1/'));
  if (routes.length === 0 || routes.some(({ handler }) => validatesQuery(handler))) return;
  const { error } = noParameters.safeParse(c.req.query(), { error: describeParameterIssue });
  if (error) throw refuse('query', error);
}
