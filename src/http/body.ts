import type { Context } from 'hono';
import { httpErrors } from './errors';
import { isEncodedUtf8 } from './uri';

/** The two kinds of bodies; their names are those of hono's validators. */
const kinds = {
  json: { pattern: /^application\/(?:[\w.-]+\+)?json$/i, name: 'application/json' },
  form: { pattern: /^application\/x-www-form-urlencoded$/i, name: 'application/x-www-form-urlencoded' },
} as const;

export type BodyKind = keyof typeof kinds;

/** The charset of a Content-Type, in lower case and without quotes. */
function charsetOf(parameters: readonly string[]): string | undefined {
  const [, charset] = /^charset=(.*)$/i.exec(parameters.map((part) => part.trim()).join(';')) ?? [];
  return charset?.replace(/^"(.*)"$/, '$1').toLowerCase();
}

/**
 * Checks that hono's validator reads the body as it was meant. The validator itself takes compressed bytes and bytes of
 * another charset for UTF-8, and replaces what is not UTF-8.
 * @throws DomainError 415 for another media type, charset or content coding; 400 for a body that is not of its media type
 */
export async function requireReadableBody({ req }: Context, kind: BodyKind): Promise<void> {
  const { pattern, name } = kinds[kind];
  const [mediaType = '', ...parameters] = (req.header('Content-Type') ?? '').split(';');
  const charset = charsetOf(parameters);
  if (!pattern.test(mediaType.trim()) || !['utf-8', 'utf8', undefined].includes(charset)) {
    throw httpErrors.unsupportedMediaType({ expected: name });
  }
  const coding = req.header('Content-Encoding')?.trim().toLowerCase() ?? 'identity';
  if (coding !== 'identity') throw httpErrors.unsupportedContentEncoding({ acceptEncoding: 'identity' });
  const text = decodeUtf8(await req.arrayBuffer());
  if (kind === 'json') parseJson(text);
  else if (!isEncodedUtf8(text)) throw httpErrors.invalidBody({});
}

function decodeUtf8(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch (cause) {
    throw httpErrors.invalidBody({}, { cause });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw httpErrors.invalidBody({}, { cause });
  }
}
