/** Makes the ids and the secrets of a history from its seed. */
let source = { now: () => 0, random: Math.random };
let made = 0;

/** Starts again, for a new history. */
export function seedIds(now: () => number, random: () => number): void {
  source = { now, random };
  made = 0;
}

/**
 * A UUIDv7 whose time is up to five seconds wrong, because the clocks of processes differ: ids have not always the order
 * in which they were made.
 */
export function nextId(): string {
  const time = Math.floor(source.now() + (source.random() - 0.5) * 10_000);
  const hex = time.toString(16).padStart(12, '0');
  const serial = (++made).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${serial}`;
}

export function nextSecret(): string {
  return `secret-${`${++made}`.padStart(36, '0')}`;
}
