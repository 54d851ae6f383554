import type { Labels } from '../../src/platform/metrics';

export interface ParsedSample {
  name: string;
  labels: Labels;
  value: number;
}

export interface ParsedMetric {
  name: string;
  help: string;
  type: string;
  samples: ParsedSample[];
}

const labelPattern = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"/y;

function fail(line: string, problem: string): never {
  throw new Error(`"${line}" ${problem}.`);
}

function parseLabels(text: string, line: string): Labels {
  const labels: Record<string, string> = {};
  let at = 0;
  while (at < text.length) {
    labelPattern.lastIndex = at;
    const [whole, name = '', value = ''] = labelPattern.exec(text) ?? fail(line, `has no label at ${at} of its labels`);
    if (name in labels || name.startsWith('__')) fail(line, `names the label ${name}, which is taken or reserved`);
    labels[name] = value.replace(/\\([\\"n])/g, (_, escaped) => (escaped === 'n' ? '\n' : escaped));
    at += whole.length;
    if (at < text.length && text[at++] !== ',') fail(line, 'has something else than a comma between two labels');
  }
  return labels;
}

function parseValue(text: string, line: string): number {
  const special = { '+Inf': Infinity, '-Inf': -Infinity, NaN: Number.NaN }[text];
  if (special !== undefined) return special;
  if (!/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) fail(line, `has the value "${text}"`);
  return Number(text);
}

/** The name of the metric to which a sample belongs: a histogram has samples with other names. */
function familyOf(name: string, type: string): string {
  return type === 'histogram' ? name.replace(/_(?:bucket|sum|count)$/, '') : name;
}

/**
 * Parses the text exposition format 0.0.4 of Prometheus by its grammar, stricter than Prometheus does: each metric has HELP
 * and TYPE once and in this order, its samples follow it, no series occurs twice, a counter ends in `_total` and never
 * falls below 0, and a histogram is complete.
 * @throws Error that names the wrong line
 */
export function parseExposition(text: string): ParsedMetric[] {
  if (!text.endsWith('\n')) throw new Error('The last line has no end.');
  const metrics = new Map<string, ParsedMetric>();
  const series = new Set<string>();
  let current: ParsedMetric | undefined;
  for (const line of text.slice(0, -1).split('\n')) {
    const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line) ?? [];
    if (keyword === 'HELP') {
      if (metrics.has(name)) fail(line, 'describes a metric for the second time');
      if (rest.replace(/\\[\\n]/g, '').includes('\\')) fail(line, 'has a wrong escape');
      current = { name, help: rest, type: '', samples: [] };
      metrics.set(name, current);
      continue;
    }
    if (keyword === 'TYPE') {
      if (current?.name !== name || current.type !== '') fail(line, 'does not follow the HELP of its metric');
      if (!['counter', 'gauge', 'histogram'].includes(rest)) fail(line, 'has an unknown type');
      if ((rest === 'counter') !== name.endsWith('_total')) fail(line, 'breaks the rule that counters end in _total');
      current.type = rest;
      continue;
    }
    const [, sampleName = '', labelText, valueText = ''] =
      /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? fail(line, 'is neither a comment nor a sample');
    if (!current?.type || familyOf(sampleName, current.type) !== current.name) fail(line, 'is not below its metric');
    const labels = parseLabels(labelText ?? '', line);
    const value = parseValue(valueText, line);
    const key = `${sampleName} ${JSON.stringify(Object.entries(labels).sort())}`;
    if (series.has(key)) fail(line, 'is a series that occurs twice');
    if (current.type !== 'gauge' && !(value >= 0)) fail(line, 'counts less than nothing');
    series.add(key);
    current.samples.push({ name: sampleName, labels, value });
  }
  const found = [...metrics.values()];
  for (const metric of found.filter(({ type }) => type === 'histogram')) requireComplete(metric);
  return found;
}

/** Each series of a histogram has ascending buckets with ascending counts, the last one `+Inf`, a sum and a count. */
function requireComplete({ name, samples }: ParsedMetric): void {
  const groups = Map.groupBy(samples, ({ labels: { le: _, ...others } }) => JSON.stringify(others));
  for (const [labels, group] of groups) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels: { le = '' } }) => parseValue(le, labels));
    const counts = buckets.map(({ value }) => value);
    const isAscending = (list: readonly number[], isStrict: boolean) =>
      list.every(
        (value, index) => index === 0 || value > Number(list[index - 1]) || (!isStrict && value === list[index - 1]),
      );
    const count = group.find((sample) => sample.name === `${name}_count`)?.value;
    const hasSum = group.some((sample) => sample.name === `${name}_sum`);
    const isComplete = bounds.at(-1) === Infinity && count === counts.at(-1) && hasSum;
    if (!isComplete || !isAscending(bounds, true) || !isAscending(counts, false))
      throw new Error(`The histogram ${name} is not complete for ${labels}.`);
  }
}
