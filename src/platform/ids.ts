import { v7 } from 'uuid';

/** Makes a UUIDv7 (RFC 9562); these ids sort by the time at which they were made. */
export function newId(): string {
  return v7();
}
