import * as z from 'zod';

/** How many there are, in a response. */
export const count = z.int().min(0);

/** A number that begins with 1, in a response: a version or a quantity. */
export const ordinal = z.int().min(1);
