import { describe, expect, test } from 'vitest';
import { countLags, lagBounds, quantileOf, toViewLags } from '../../src/cqrs/reading/projection-lags';
import { toLogFields } from '../../src/operations/metrics';
import { createIsolateFigures } from '../../src/platform/isolate-figures';
import { createCounter, createHistogram, formatMetrics, type Metric } from '../../src/platform/metrics';
import { parseExposition } from '../support/exposition';

const about = { name: 'things_total', help: 'Things.' };
const samplesOf = (...metrics: Metric[]) => parseExposition(formatMetrics(metrics)).flatMap(({ samples }) => samples);

describe('metrics in the text format of Prometheus (product 8.5)', () => {
  test('a counter adds up by its labels, and shows its initial series from the start', () => {
    const counter = createCounter(about, [{ kind: 'a' }]);
    expect(samplesOf(counter.read())).toEqual([{ name: 'things_total', labels: { kind: 'a' }, value: 0 }]);
    counter.add({ kind: 'a' });
    counter.add({ kind: 'b' }, 2.5);
    counter.add({ kind: 'a' });
    expect(samplesOf(counter.read()).map(({ labels, value }) => [labels.kind, value])).toEqual([
      ['a', 2],
      ['b', 2.5],
    ]);
  });

  test('a histogram counts each value in its bucket and in all larger ones; a bound belongs to its bucket', () => {
    const histogram = createHistogram({ name: 'wait_seconds', help: 'Waits.' }, [0.1, 1]);
    for (const value of [0.1, 0.5, 1, 7]) histogram.observe({ route: '/a' }, value);
    histogram.observe({ route: '/b' }, 0);
    const of = (route: string) =>
      samplesOf(histogram.read())
        .filter(({ labels }) => labels.route === route)
        .map(({ name, labels, value }) => [name.replace('wait_seconds_', ''), labels.le, value]);
    expect(of('/a')).toEqual([
      ['bucket', '0.1', 1],
      ['bucket', '1', 3],
      ['bucket', '+Inf', 4],
      ['sum', undefined, 8.6],
      ['count', undefined, 4],
    ]);
    expect(of('/b').map(([, , value]) => value)).toEqual([1, 1, 1, 0, 1]);
  });

  test('labels and HELP texts are escaped, and come back as they were', () => {
    const route = 'a "quoted"\\path,\nb="c"}';
    const counter = createCounter({ ...about, help: 'Two\nlines and a \\.' });
    counter.add({ route, other: '' });
    const text = formatMetrics([counter.read()]);
    expect(text.split('\n')).toHaveLength(4);
    expect(text).toContain('# HELP things_total Two\\nlines and a \\\\.');
    expect(parseExposition(text)[0]?.samples).toEqual([
      { name: 'things_total', labels: { route, other: '' }, value: 1 },
    ]);
  });

  test('numbers are written as Prometheus reads them', () => {
    const values = [0, -1.5, 1e21, 1e-7, Infinity, -Infinity, Number.NaN];
    const samples = values.map((value, index) => ({ labels: { index: `${index}` }, value }));
    expect(samplesOf({ name: 'things', help: 'x', type: 'gauge', samples }).map(({ value }) => value)).toEqual(values);
  });
});

describe('the parser of the tests', () => {
  const good = '# HELP a_total A.\n# TYPE a_total counter\na_total{b="c"} 1\n';
  const histogram = (lines: string) => `# HELP h H.\n# TYPE h histogram\n${lines}`;

  test('takes a right text', () => expect(parseExposition(good)).toHaveLength(1));

  test.each([
    ['without an end of the last line', good.trimEnd()],
    ['with a sample above its metric', `a_total 1\n${good}`],
    ['with a metric twice', good + good],
    ['with a series twice', `${good}a_total{b="c"} 2\n`],
    ['with an unknown type', good.replace('counter', 'meter')],
    ['with a counter without _total', good.replaceAll('a_total', 'a')],
    ['with a falling counter', good.replace(' 1\n', ' -1\n')],
    ['with a wrong number', good.replace(' 1\n', ' one\n')],
    ['with a wrong label name', good.replace('b=', 'b-b=')],
    ['with a label twice', good.replace('b="c"', 'b="c",b="d"')],
    ['with a quote in a label', good.replace('"c"', '"c"d"')],
    ['with a space too much', good.replace('} 1', '}  1')],
    ['with a line of something else', `${good}\n`],
    ['with a histogram without +Inf', histogram('h_bucket{le="1"} 1\nh_sum 1\nh_count 1\n')],
    ['with a histogram without a sum', histogram('h_bucket{le="+Inf"} 1\nh_count 1\n')],
    ['with a histogram whose count differs', histogram('h_bucket{le="+Inf"} 1\nh_sum 1\nh_count 2\n')],
    ['with falling buckets', histogram('h_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n')],
  ])('refuses a text %s', (_, text) => expect(() => parseExposition(text)).toThrow());
});

describe('the figures of an isolate (product 8.5)', () => {
  const read = (figures: ReturnType<typeof createIsolateFigures>) => samplesOf(...figures.read({ hashesWaiting: 0 }));

  test('two isolates have different ids, and one keeps its id', () => {
    const [one, two] = [createIsolateFigures(), createIsolateFigures()];
    const idsOf = (figures: typeof one) => [...new Set(read(figures).map(({ labels }) => labels.isolate))];
    expect(idsOf(one)).toEqual([expect.stringMatching(/^[\da-f]{8}$/)]);
    expect(idsOf(one)).toEqual(idsOf(one));
    expect(idsOf(one)).not.toEqual(idsOf(two));
  });
});

describe('the lag of read models (product 8.6)', () => {
  const counted = (counts: Readonly<Record<number, number>>, beyond = 0) => [
    ...lagBounds.map((bound) => counts[bound] ?? 0),
    beyond,
  ];

  test.each<[string, number[], number, number]>([
    ['nothing', counted({}), 300, 300],
    // 100 values between 1 and 2 seconds.
    ['one bucket', counted({ 2: 100 }), 1.5, 1.99],
    ['the first bucket', counted({ 0.1: 10 }), 0.05, 0.099],
    // The 50th of 100 is the last one of its bucket; the 99th is the 9th of ten between 5 and 10.
    ['two buckets', counted({ 0.5: 50, 1: 40, 10: 10 }), 0.5, 9.5],
    ['one value', counted({ 30: 1 }), 25, 29.9],
    ['values beyond the last bound', counted({ 0.1: 1 }, 99), 300, 300],
    ['empty buckets between', counted({ 0.1: 98, 300: 2 }), 0.051, 210],
  ])('the quantiles of %s are interpolated within their buckets', (_, counts, p50, p99) => {
    expect([quantileOf(counts, lagBounds, 0.5), quantileOf(counts, lagBounds, 0.99)]).toEqual([p50, p99]);
  });

  test('the quantiles are taken over all windows, by view, and rows that cannot be read are left out', () => {
    const rows = [
      '{"ticket:2":50,"user:0.1":1}',
      '{"ticket:2":50,"ticket:Inf":0}',
      'no JSON',
      '5',
      'null',
      '{"ticket:2":"x"}',
    ];
    expect(toViewLags(rows.map((counts) => ({ counts })))).toEqual([
      { view: 'ticket', events: 100, p50Seconds: 1.5, p99Seconds: 1.99 },
      { view: 'user', events: 1, p50Seconds: 0.05, p99Seconds: 0.099 },
    ]);
    expect(toViewLags([])).toEqual([]);
  });

  test('an event counts once for each view whose document was put, by the time from its record to the put', () => {
    const ticket = { name: 'ticket' };
    const put = [
      { view: 'ticket@2', key: 'a', definition: ticket },
      { view: 'ticket@2', key: 'b', definition: ticket },
      { view: 'list@1', key: 'all', definition: { name: 'list' } },
      { view: 'unknown@1', key: 'a', definition: undefined },
    ];
    const target = (view: string, key: string, position: number) => ({ view, key, position });
    const now = Date.parse('2026-03-01T10:00:10.000Z');
    const events = [
      // Two keys of one view, one of another, and one that was not put.
      {
        position: 1,
        occurredAt: '2026-03-01T10:00:08.500Z',
        targets: [
          target('ticket@2', 'a', 1),
          target('ticket@2', 'b', 1),
          target('list@1', 'all', 1),
          target('list@1', 'x', 1),
        ],
      },
      {
        position: 2,
        occurredAt: '2026-03-01T09:00:00.000Z',
        targets: [target('list@1', 'all', 2), target('unknown@1', 'a', 2)],
      },
      // A clock that is ahead, and a time that nobody understands.
      { position: 3, occurredAt: '2026-03-01T10:00:11.000Z', targets: [target('list@1', 'all', 3)] },
      { position: 4, occurredAt: 'yesterday', targets: [target('list@1', 'all', 4)] },
    ];
    const known = new Set<string>();
    const expected = { 'ticket:2': 1, 'list:2': 1, 'list:Inf': 1, 'list:0.1': 1 };
    expect(countLags(events, put, known, now)).toEqual(expected);
    // The next batch of the same run puts another key of the same view.
    expect(countLags(events, put, known, now)).toEqual({});
  });
});

test('the fields of a log entry leave out what is 0', () => {
  const quiet = { pending: 0, oldestSeconds: 0, dead: 0 };
  const fields = toLogFields({
    events: 0,
    subscriptions: [
      { subscription: 'emails', ...quiet },
      { subscription: 'projections', pending: 3, oldestSeconds: 1.5, dead: 2 },
    ],
    keysToRecheck: 0,
    failingKeys: 4,
    runningRebuilds: 0,
    runningErasures: 0,
    refusedEmails: 0,
    lags: [{ view: 'ticket', events: 7, p50Seconds: 0.1, p99Seconds: 2 }],
  });
  expect(fields).toEqual({
    events: 0,
    failingKeys: 4,
    'pending.projections': 3,
    'oldestSeconds.projections': 1.5,
    'dead.projections': 2,
    'lagP50Seconds.ticket': 0.1,
    'lagP99Seconds.ticket': 2,
  });
});
