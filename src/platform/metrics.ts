/** The labels of a sample. Their values must come from a small set, because each combination is a series of its own. */
export type Labels = Readonly<Record<string, string>>;

/** One figure of a metric. The samples of a histogram end in `_bucket`, `_sum` and `_count`. */
export interface Sample {
  suffix?: '_bucket' | '_sum' | '_count';
  labels?: Labels;
  value: number;
}

/** What is measured, and its meaning. */
export interface MetricDefinition {
  name: string;
  help: string;
}

/** A metric with its figures. */
export interface Metric extends MetricDefinition {
  type: 'counter' | 'gauge' | 'histogram';
  samples: readonly Sample[];
}

/** Adds up events by their labels. */
export interface Counter {
  add(labels?: Labels, by?: number): void;
  read(): Metric;
}

/** Counts values by their size, for each combination of labels. */
export interface Histogram {
  observe(labels: Labels, value: number): void;
  read(): Metric;
}

/** Makes a counter. With `initial`, the series exist from the start, so that their first step is seen as a step. */
export function createCounter(definition: MetricDefinition, initial: readonly Labels[] = []): Counter {
  const series = new Map<string, { labels: Labels; value: number }>();
  const counter: Counter = {
    add(labels = {}, by = 1) {
      const key = JSON.stringify(labels);
      const known = series.get(key);
      if (known) known.value += by;
      else series.set(key, { labels, value: by });
    },
    read: () => ({ ...definition, type: 'counter', samples: [...series.values()].map((sample) => ({ ...sample })) }),
  };
  for (const labels of initial) counter.add(labels, 0);
  return counter;
}

/**
 * Makes a histogram.
 * @param bounds the upper bounds of its buckets, ascending; a last bucket takes what is larger
 */
export function createHistogram(definition: MetricDefinition, bounds: readonly number[]): Histogram {
  const series = new Map<string, { labels: Labels; counts: number[]; sum: number }>();

  /** A bucket of Prometheus also counts what the smaller ones count. */
  function toSamples({ labels, counts, sum }: { labels: Labels; counts: readonly number[]; sum: number }): Sample[] {
    let total = 0;
    const buckets = counts.map((count, index): Sample => {
      total += count;
      return { suffix: '_bucket', labels: { ...labels, le: formatValue(bounds[index] ?? Infinity) }, value: total };
    });
    return [...buckets, { suffix: '_sum', labels, value: sum }, { suffix: '_count', labels, value: total }];
  }

  return {
    observe(labels, value) {
      const key = JSON.stringify(labels);
      const known = series.get(key) ?? { labels, counts: [...bounds, Infinity].map(() => 0), sum: 0 };
      series.set(key, known);
      const index = bounds.findIndex((bound) => value <= bound);
      const bucket = index === -1 ? bounds.length : index;
      known.counts[bucket] = (known.counts[bucket] ?? 0) + 1;
      known.sum += value;
    },
    read: () => ({ ...definition, type: 'histogram', samples: [...series.values()].flatMap(toSamples) }),
  };
}

/** A number as Prometheus writes it. */
export function formatValue(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? '+Inf' : '-Inf';
}

function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => {
    const escaped = value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
    return `${name}="${escaped}"`;
  });
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

/** The media type of {@link formatMetrics}. */
export const metricsMediaType = 'text/plain; version=0.0.4; charset=utf-8';

/** Writes metrics in the text exposition format 0.0.4 of Prometheus. */
export function formatMetrics(metrics: readonly Metric[]): string {
  const lines = metrics.flatMap(({ name, help, type, samples }) => [
    `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`,
    `# TYPE ${name} ${type}`,
    ...samples.map(
      ({ suffix = '', labels = {}, value }) => `${name}${suffix}${formatLabels(labels)} ${formatValue(value)}`,
    ),
  ]);
  return `${lines.join('\n')}\n`;
}
