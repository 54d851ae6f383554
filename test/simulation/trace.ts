import type { Process } from './world';

/** Prints one step of a history: the process (or a heading such as FAULT), and what happens. */
export type Trace = (actor: Process | string, text: string) => void;

const lineLength = 150;

/**
 * Makes the lines of `simulate --trace`: the time since the start, the process, and what happens. Ids become `#1`, `#2`
 * in the order of their appearance, so that the lines are short and one seed always prints the same lines.
 */
export function createTrace(elapsedMs: () => number, print: (line: string) => void): Trace {
  const shortIds = new Map<string, string>();
  function shorten(id: string): string {
    const known = shortIds.get(id) ?? `#${shortIds.size + 1}`;
    shortIds.set(id, known);
    return known;
  }
  return (actor, text) => {
    const name = typeof actor === 'string' ? actor : `${actor.name} ${actor.id}`;
    const time = `${(elapsedMs() / 1000).toFixed(3)} s`;
    const what = text.replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, shorten).replaceAll(/\s+/g, ' ');
    const line = `${time.padStart(11)}  ${name.padEnd(17)} ${what}`;
    print(line.length > lineLength ? `${line.slice(0, lineLength - 1)}…` : line);
  };
}

/** The statements that the protocol of keys and deliveries consists of; others appear as verb and table. */
const protocolSteps: readonly (readonly [RegExp, string])[] = [
  [/^INSERT INTO projections/, 'claim keys'],
  [/^UPDATE projections SET position/, 'confirm keys'],
  [/^UPDATE projections SET claimed_by = NULL/, 'release keys'],
  [/^UPDATE deliveries SET claimed_until = \?/, 'claim deliveries'],
  [/^UPDATE deliveries SET claimed_until = 0/, 'release delivery'],
];

function summarize(sql: string): string {
  const step = protocolSteps.find(([pattern]) => pattern.test(sql.trim()));
  if (step) return step[1];
  const [verb = '?'] = sql.trim().split(/\s/, 1);
  const [, table = ''] = /\b(?:into|from|update)\s+["`]?(\w+)/i.exec(sql) ?? [];
  return `${verb.toUpperCase()} ${table}`;
}

/** The document keys that a statement of the projector names in its one JSON parameter. */
function keysIn(params: readonly unknown[]): string {
  const list = params.find((param) => typeof param === 'string' && param.startsWith('[{"view"'));
  if (typeof list !== 'string') return '';
  return (JSON.parse(list) as { view: string; key: string }[]).map(({ view, key }) => `${view}:${key}`).join(' ');
}

/**
 * One D1 statement in a few words.
 * @param changes how many rows a write has changed
 */
export function describeStatement(
  { sql, params }: { sql: string; params: readonly unknown[] },
  rows: readonly Record<string, unknown>[],
  changes: number | undefined,
): string {
  if (changes === undefined) return summarize(sql);
  const returned = rows.map((row) => Object.values(row).join(':')).join(' ');
  return [summarize(sql), returned || keysIn(params), `(${changes})`].filter((part) => part !== '').join(' ');
}

/** A message of a queue: an event with its position, or a step of a rebuild. */
export function describeMessage(body: unknown): string {
  const { position, type, rebuildId, step } = body as Record<string, unknown>;
  return position === undefined
    ? `step ${step} of rebuild ${rebuildId}`
    : `${position} ${`${type}`.replace('frontdesk.', '')}`;
}

/** How new a document of KV is. */
export function describeDocument(json: string | null): string {
  return json === null ? 'none' : `as of ${JSON.parse(json).asOf}`;
}
