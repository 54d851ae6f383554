import { zValidator } from '@hono/zod-validator';
import type { ValidationTargets } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { resolver, uniqueSymbol } from 'hono-openapi';
import type { z } from 'zod';
import { DomainError, type FieldError } from '../platform/errors';

const mediaTypes: Partial<Record<keyof ValidationTargets, RegExp>> = {
  json: /^application\/(?:[\w.+-]+\+)?json(?:\s*;|$)/i,
  form: /^application\/x-www-form-urlencoded(?:\s*;|$)/i,
};

/** Thrown for a body of another media type than the route reads; 415. */
export class UnsupportedMediaType extends HTTPException {
  constructor() {
    super(415);
  }
}

function toFieldErrors(issues: readonly z.core.$ZodIssue[]): FieldError[] {
  return issues.flatMap((issue) => {
    const paths = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
    return paths.map((path) => ({ pointer: toPointer(path), detail: issue.message, code: issue.code }));
  });
}

/** RFC 6901. */
function toPointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

const refusals: Partial<Record<keyof ValidationTargets, (errors: FieldError[]) => DomainError>> = {
  // An id that can't be one names nothing.
  param: () => new DomainError('not-found', 'http.not-found', 'There is nothing at this address.'),
  query: (errors) => new DomainError('bad-request', 'http.invalid-query', 'The query is not valid.', { errors }),
};

function refuse(target: keyof ValidationTargets, error: z.core.$ZodError): DomainError {
  const errors = toFieldErrors(error.issues);
  const specific = refusals[target]?.(errors);
  return specific ?? new DomainError('invalid', 'http.validation-failed', 'The input is not valid.', { errors });
}

/**
 * Validates one part of a request, and documents it: the schema that validates is the one in the OpenAPI document.
 * @throws DomainError 422 for a body, 400 for a query, 404 for a path; UnsupportedMediaType 415; HTTPException 400 for broken JSON
 */
export function validate<Schema extends z.ZodType, Target extends 'json' | 'form' | 'param' | 'query'>(
  target: Target,
  schema: Schema,
  refusal: (error: z.core.$ZodError) => Error = (error) => refuse(target, error),
) {
  const validator = zValidator(target, schema, (result, c) => {
    if (mediaTypes[target]?.test(c.req.header('Content-Type') ?? '') === false) throw new UnsupportedMediaType();
    if (!result.success) throw refusal(result.error);
  });
  const media = target === 'form' ? { options: { media: 'application/x-www-form-urlencoded' } } : {};
  return Object.assign(validator, { [uniqueSymbol]: { target, ...resolver(schema), ...media } });
}
