/** The filters of the event log, under the names that the API gives them. */
export const filterNames = ['stream', 'type', 'actor', 'key', 'request', 'command'] as const;
export type EventFilter = (typeof filterNames)[number];

/** The address of the event log with these filters. */
export function logPath(filters: Partial<Record<EventFilter, string | undefined>>): string {
  const set = filterNames.flatMap((name) => (filters[name] ? [[name, filters[name]] as [string, string]] : []));
  return set.length === 0 ? '/console/events' : `/console/events?${new URLSearchParams(set)}`;
}

/** What a thing is called, with the screen that shows it. */
const screens = {
  ticket: 'tickets',
  order: 'orders',
  item: 'items',
  user: 'people',
  settings: 'people',
  customer: 'people',
  owner: 'people',
  assignee: 'people',
} as const;
export type Subject = keyof typeof screens;

/** The things that an event is about: that of its stream, and those whose ids its content has. */
export function subjectsOf(event: { streamType: string; streamId: string; data: unknown }): [Subject, path: string][] {
  const named = Object.entries({ [event.streamType]: event.streamId, ...(event.data as object | null) });
  const found = named.flatMap(([name, id]): [path: string, Subject][] => {
    const subject = name.replace(/Id$/, '') as Subject;
    const isKnown = Object.hasOwn(screens, subject) && typeof id === 'string';
    return isKnown ? [[`/console/${screens[subject]}/${id}`, subject]] : [];
  });
  // The same thing may be named twice.
  return [...new Map(found)].map(([path, subject]) => [subject, path]);
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
