import type { Context } from 'hono';
import { httpErrors } from './errors';
import { isEncodedUtf8 } from './uri';

/** The two kinds of bodies; their names are those of hono's validators. */
const kinds = {
  json: { pattern: /^application\/(?:[\w.-]+\+)?json$/i, name: 'application/json' },
  form: { pattern: /^application\/x-www-form-urlencoded$/i, name: 'application/x-www-form-urlencoded' },
} as const;

export type BodyKind = keyof typeof kinds;

/** Whether a parameter of a Content-Type names another charset than UTF-8. */
function isOtherCharset(parameter: string): boolean {
  const [, charset] = /^charset\s*=\s*(.*)$/i.exec(parameter.trim()) ?? [];
  return charset !== undefined && !/^("?)utf-?8\1$/i.test(charset);
}

/**
 * Whether hono's validator reads the body as it was meant. The validator itself takes compressed bytes and bytes of another
 * charset for UTF-8, and replaces what is not UTF-8.
 * @returns false for a body that does not have the format of its media type
 * @throws DomainError 415 for another media type, charset or content coding
 */
export async function isReadableBody({ req }: Context, kind: BodyKind): Promise<boolean> {
  const { pattern, name } = kinds[kind];
  const [mediaType = '', ...parameters] = (req.header('Content-Type') ?? '').split(';');
  if (!pattern.test(mediaType.trim()) || parameters.some(isOtherCharset)) {
    throw httpErrors.unsupportedMediaType({ expected: name });
  }
  const coding = req.header('Content-Encoding')?.trim().toLowerCase() ?? 'identity';
  if (coding !== 'identity') throw httpErrors.unsupportedContentEncoding({ acceptEncoding: 'identity' });
  const bytes = await req.arrayBuffer();
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
    if (kind === 'form') return isEncodedUtf8(text);
    JSON.parse(text);
    // Otherwise hono makes a Response of the bytes to decode them again, which costs a create most of what its body costs.
    Object.assign(req.bodyCache, { text: Promise.resolve(text) });
    return true;
  } catch {
    return false;
  }
}
