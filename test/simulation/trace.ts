import type { Process } from './process';

/** Prints one step of a history: the process (or a heading such as FAULT), and what happens. */
export type Trace = (actor: Process | string, text: string) => void;

const lineLength = 150;
const subjectsPerStatement = 4;

/**
 * Makes the lines of `simulate --trace`: the time since the start, the process, and what happens. Ids become `#1`, `#2`
 * in the order of their appearance, so that the lines are short and one seed always prints the same lines.
 */
export function createTrace(elapsedMs: () => number, print: (line: string) => unknown): Trace {
  const shortIds = new Map<string, string>();
  function shorten(id: string): string {
    const known = shortIds.get(id) ?? `#${shortIds.size + 1}`;
    shortIds.set(id, known);
    return known;
  }
  return (actor, text) => {
    // Process 0 only loads what the check compares.
    if (typeof actor !== 'string' && actor.id === 0) return;
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
  [/^DELETE FROM deliveries/, 'delete deliveries'],
];

function verbAndTable(sql: string): string {
  const [verb = ''] = sql.split(/\s/, 1);
  const [, table] = /\b(?:into|from|update)\s+["`]?(\w+)/i.exec(sql) ?? [];
  return [verb.toUpperCase(), ...(table ? [table] : [])].join(' ');
}

/** The positions or the document keys in the first JSON list among a statement's parameters. */
function subjectsIn(params: readonly unknown[]): string[] {
  const list = params.find((param) => typeof param === 'string' && param.startsWith('['));
  if (typeof list !== 'string') return [];
  const subjects = JSON.parse(list) as (number | { view: string; key: string })[];
  return subjects.map((one) => (typeof one === 'number' ? `${one}` : `${one.view}:${one.key}`));
}

/**
 * One D1 statement in a few words. Empty for a write that had nothing to change.
 * @param changes how many rows a write has changed
 */
export function describeStatement(
  sql: string,
  params: readonly unknown[],
  rows: readonly Record<string, unknown>[],
  changes: number | undefined,
): string {
  const text = sql.trim();
  if (changes === undefined) return verbAndTable(text);
  const step = protocolSteps.find(([pattern]) => pattern.test(text))?.[1];
  const returned = rows.map((row) => Object.values(row).join(':'));
  const subjects = returned.length > 0 || !step ? returned : subjectsIn(params);
  // A step of the protocol that changed nothing is worth a look, such as the confirm of a claim that was lost.
  if (changes === 0 && subjects.length === 0) return '';
  const [some, more] = [subjects.slice(0, subjectsPerStatement), subjects.length - subjectsPerStatement];
  const count = step || changes > 1 ? [`(${changes})`] : [];
  return [step ?? verbAndTable(text), ...count, ...some, ...(more > 0 ? [`+${more}`] : [])].join(' ');
}

/** A message of a queue: an event with its position, or a step of a rebuild. */
export function describeMessage(body: unknown): string {
  const { position, type, rebuildId, step } = (body ?? {}) as Record<string, unknown>;
  return position === undefined
    ? `step ${step} of rebuild ${rebuildId}`
    : `${position} ${`${type}`.replace('frontdesk.', '')}`;
}

/** How new a document of KV is. */
export function describeDocument(json: string | null): string {
  if (json === null) return 'none';
  const [, asOf] = /"asOf":(\d+)/.exec(json) ?? [];
  return asOf === undefined ? `the text ${json.slice(0, 20)}` : `as of ${asOf}`;
}

/** The message of the error that another error was made from: drizzle puts a whole query around D1's message. */
export function describeCause(error: unknown): string {
  let cause = error;
  while (cause instanceof Error && cause.cause !== undefined) cause = cause.cause;
  return cause instanceof Error ? cause.message : `${cause}`;
}
