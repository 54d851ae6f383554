import { zValidator } from '@hono/zod-validator';
import { resolver, uniqueSymbol } from 'hono-openapi';
import type { z } from 'zod';
import type { FieldError } from '../platform/errors';
import { limits } from '../platform/limits';
import { httpErrors } from './errors';

type Target = 'json' | 'form' | 'param' | 'query';

const mediaTypes: Partial<Record<Target, { pattern: RegExp; name: string }>> = {
  json: { pattern: /^application\/(?:[\w.+-]+\+)?json(?:\s*;|$)/i, name: 'application/json' },
  form: { pattern: /^application\/x-www-form-urlencoded(?:\s*;|$)/i, name: 'application/x-www-form-urlencoded' },
};

/** Names the first wrong fields only, because a body can have thousands. */
function toFieldErrors(issues: readonly z.core.$ZodIssue[]): FieldError[] {
  const errors = issues.flatMap((issue): FieldError[] => {
    const { code, message, path } = issue;
    if (code !== 'unrecognized_keys') return [{ pointer: toPointer(path), detail: message, code }];
    // The message of zod names all unknown fields, so it is not repeated for each of them.
    return issue.keys.map((key) => ({ pointer: toPointer([...path, key]), detail: 'is not a known field', code }));
  });
  return errors.slice(0, limits.fieldErrorsPerRefusal);
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
  refusal?: (error: z.core.$ZodError, input: unknown) => Error,
) {
  const validator = zValidator(target, schema, (result, c) => {
    const mediaType = mediaTypes[target];
    if (mediaType && !mediaType.pattern.test(c.req.header('Content-Type') ?? '')) {
      throw httpErrors.unsupportedMediaType({ expected: mediaType.name });
    }
    if (!result.success) throw refusal?.(result.error, result.data) ?? refuse(target, c.req.path, result.error);
  });
  const media = target === 'form' ? { options: { media: 'application/x-www-form-urlencoded' } } : {};
  return Object.assign(validator, { [uniqueSymbol]: { target, ...resolver(schema), ...media } });
}
