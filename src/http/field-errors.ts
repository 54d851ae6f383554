import * as z from 'zod';
import type { FieldError } from '../platform/errors';
import { limits } from '../platform/limits';

// zod's own texts repeat the input, and one of them names all unknown keys at once, so that a refusal would grow with the
// request, or with its square.

/** The longest pointer; a deeper or longer one names the object or list around the field instead. */
const longestPointer = 200;

const typeNames: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'an object',
  record: 'an object',
  string: 'a text',
};

const formatNames: Readonly<Record<string, string>> = {
  datetime: 'a time in ISO 8601',
  email: 'an e-mail address',
  url: 'a URL',
  uuid: 'a UUID',
};

/** The unit in which zod counts a value. */
function unitOf(origin: string): string {
  if (origin === 'string') return ' characters';
  return origin === 'array' || origin === 'set' ? ' entries' : '';
}

/** Our own text for an issue. A schema that has a text of its own for an issue comes before this one. */
export function describeIssue(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is missing' : `must be ${typeNames[issue.expected] ?? 'of another type'}`;
    case 'too_small':
      return `must ${unitOf(issue.origin) ? 'have' : 'be'} at least ${issue.minimum}${unitOf(issue.origin)}`;
    case 'too_big':
      return `must ${unitOf(issue.origin) ? 'have' : 'be'} at most ${issue.maximum}${unitOf(issue.origin)}`;
    case 'invalid_format':
      return `must be ${formatNames[issue.format] ?? 'in the documented format'}`;
    case 'invalid_value':
      return `must be one of: ${issue.values.join(', ')}`;
    case 'unrecognized_keys':
      return 'is not a known field';
    default:
      return 'is not valid';
  }
}

/** How many parameters a text names; no operation has more. */
const mostNamed = 12;

/** The text for an issue of a query string: for an unknown parameter it names those that the operation has. */
export function describeParameterIssue(issue: z.core.$ZodRawIssue): string {
  if (issue.code !== 'unrecognized_keys') return describeIssue(issue);
  const known = issue.inst instanceof z.ZodObject ? Object.keys(issue.inst.shape).slice(0, mostNamed) : [];
  return `is not a known parameter; ${known.length > 0 ? `there are: ${known.join(', ')}` : 'this operation has none'}`;
}

/** A JSON pointer (RFC 6901) to a value, or to the nearest value around it whose pointer is not too long. */
function toPointer(path: readonly PropertyKey[]): string {
  let pointer = '';
  for (const part of path) {
    const next = `${pointer}/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (JSON.stringify(next).length > longestPointer) break;
    pointer = next;
  }
  return pointer;
}

/** The first wrong fields of an input. */
export function toFieldErrors(issues: readonly z.core.$ZodIssue[]): FieldError[] {
  const errors: FieldError[] = [];
  for (const { code, message: detail, path, ...issue } of issues) {
    const keys = 'keys' in issue && code === 'unrecognized_keys' ? (issue.keys as readonly string[]) : [];
    const paths = keys.length === 0 ? [path] : keys.map((key) => [...path, key]);
    for (const place of paths) {
      if (errors.length === limits.fieldErrorsPerRefusal) return errors;
      errors.push({ pointer: toPointer(place), detail, code });
    }
  }
  return errors;
}

interface Place {
  value: unknown;
  key?: PropertyKey;
  parent?: Place;
}

function pathOf(place: Place): PropertyKey[] {
  const path: PropertyKey[] = [];
  for (let at: Place | undefined = place; at?.key !== undefined; at = at.parent) path.unshift(at.key);
  return path;
}

function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

/**
 * The texts in an input, names of fields included, that cannot be stored unchanged: SQLite ends a text at NUL, and UTF-8
 * has no lone surrogates, so each would be replaced. A loop, because the depth of an input has no bound.
 */
export function unstorableTexts(input: unknown): z.core.$ZodIssue[] {
  const issues: z.core.$ZodIssue[] = [];
  const places: Place[] = [{ value: input }];
  for (let next = 0; next < places.length && issues.length < limits.fieldErrorsPerRefusal; next++) {
    const place = places[next] as Place;
    const { value, key } = place;
    if ([value, key].some((text) => typeof text === 'string' && !isStorable(text))) {
      const message = 'has NUL or half of a surrogate pair, which cannot be stored';
      issues.push({ code: 'custom', path: pathOf(place), message, input: undefined });
    }
    if (typeof value !== 'object' || value === null) continue;
    for (const [name, part] of Object.entries(value)) places.push({ value: part, key: name, parent: place });
  }
  return issues;
}
