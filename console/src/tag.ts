import type { Read } from './read';

/** The header with which a command changes only what is shown: with 412 the API refuses it if others were faster. */
export function ifMatch({ etag }: Pick<Read<unknown>, 'etag'>): Record<string, string> {
  // A proxy that compresses makes the tag weak, and only a strong one matches. The version in it is the same.
  return { 'If-Match': etag.value?.replace(/^W\//, '') ?? '*' };
}
