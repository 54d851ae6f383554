/** The filters of the event log, under the names that the API gives them. */
export const filterNames = ['stream', 'type', 'actor', 'key', 'request', 'command'] as const;
export type EventFilter = (typeof filterNames)[number];

/** The address of the event log with these filters. */
export function logPath(filters: Partial<Record<EventFilter, string | undefined>>): string {
  const set = filterNames.flatMap((name) => (filters[name] ? [[name, filters[name]] as [string, string]] : []));
  return set.length === 0 ? '/console/events' : `/console/events?${new URLSearchParams(set)}`;
}

const screens: ReadonlyMap<string, string> = new Map([
  ['ticket', 'tickets'],
  ['order', 'orders'],
  ['item', 'items'],
  ['user', 'people'],
  ['settings', 'people'],
]);

/** The address of the screen of the thing that a stream tells about; undefined for a stream that has none. */
export function subjectPath(streamType: string, streamId: string): string | undefined {
  const screen = screens.get(streamType);
  return screen && `/console/${screen}/${streamId}`;
}

/** An id as a list shows it: the beginning of a UUIDv7 is its time, so its end tells it from others. */
export function shortId(id: string): string {
  return id.length > 12 ? `…${id.slice(-8)}` : id;
}

/** Whether an event has no content beyond its facts. */
export const isEmpty = (data: unknown) => typeof data === 'object' && data !== null && Object.keys(data).length === 0;

/** The ids of the dead letters that an event of an operator names. */
export function lettersOf(data: unknown): string[] {
  const { letters } = (data ?? {}) as { letters?: unknown };
  if (!Array.isArray(letters)) return [];
  return letters.flatMap((letter) => (letter?.subscription ? [`${letter.position}-${letter.subscription}`] : []));
}
