import * as z from 'zod';

/** An id as it arrives. RFC 9562 takes both cases, and all our ids are in lower case, so case makes no difference. */
export const uuid = z.uuid().toLowerCase();

/** A text in which every UUID is in lower case. */
export function withLowerCaseIds(text: string): string {
  return text.replace(/[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}/gi, (id) => id.toLowerCase());
}
