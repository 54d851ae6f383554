/**
 * Leaves out what readers of the schemas gain nothing from, and from which tools invent examples: patterns that say again
 * what a format says, and the bounds that zod gives to every whole number.
 */
export function tidySchemas(part: unknown): void {
  if (typeof part !== 'object' || part === null) return;
  if ('format' in part && typeof part.format === 'string' && 'pattern' in part) delete part.pattern;
  if ('minimum' in part && part.minimum === Number.MIN_SAFE_INTEGER) delete part.minimum;
  if ('maximum' in part && part.maximum === Number.MAX_SAFE_INTEGER) delete part.maximum;
  for (const inner of Object.values(part)) tidySchemas(inner);
}
