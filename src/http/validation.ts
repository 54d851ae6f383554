import { zValidator } from '@hono/zod-validator';
import { resolver, uniqueSymbol } from 'hono-openapi';
import type { z } from 'zod';
import type { FieldError } from '../platform/errors';
import { httpErrors } from './errors';

type Target = 'json' | 'form' | 'param' | 'query';

const mediaTypes: Partial<Record<Target, { pattern: RegExp; name: string }>> = {
  json: { pattern: /^application\/(?:[\w.+-]+\+)?json(?:\s*;|$)/i, name: 'application/json' },
  form: { pattern: /^application\/x-www-form-urlencoded(?:\s*;|$)/i, name: 'application/x-www-form-urlencoded' },
};

function toFieldErrors(issues: readonly z.core.$ZodIssue[]): FieldError[] {
  return issues.flatMap((issue) => {
    const paths = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
    return paths.map((path) => ({ pointer: toPointer(path), detail: issue.message, code: issue.code }));
  });
}

/** Makes a JSON pointer (RFC 6901). */
function toPointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function refuse(target: Target, path: string, error: z.core.$ZodError): Error {
  // A path parameter is an id: if the id cannot exist, the resource does not exist.
  if (target === 'param') return httpErrors.notFound({ path });
  const errors = toFieldErrors(error.issues);
  return target === 'query' ? httpErrors.invalidQuery({}, { errors }) : httpErrors.validationFailed({}, { errors });
}

/**
 * Validates one part of a request, and documents it: the schema that validates is the one in the OpenAPI document.
 * @throws DomainError 422 for a body, 400 for a query, 404 for a path, 415 for another media type;
 * hono throws an HTTPException 400 for broken JSON
 */
export function validate<Schema extends z.ZodType, Part extends Target>(
  target: Part,
  schema: Schema,
  refusal?: (error: z.core.$ZodError) => Error,
) {
  const validator = zValidator(target, schema, (result, c) => {
    const mediaType = mediaTypes[target];
    if (mediaType && !mediaType.pattern.test(c.req.header('Content-Type') ?? '')) {
      throw httpErrors.unsupportedMediaType({ expected: mediaType.name });
    }
    if (!result.success) throw refusal?.(result.error) ?? refuse(target, c.req.path, result.error);
  });
  const media = target === 'form' ? { options: { media: 'application/x-www-form-urlencoded' } } : {};
  return Object.assign(validator, { [uniqueSymbol]: { target, ...resolver(schema), ...media } });
}
