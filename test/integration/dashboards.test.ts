import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import operationsPage from '../../docs/operations.md?raw';
import dashboard from '../../ops/grafana/frontdesk.json';
import alertsText from '../../ops/prometheus/alerts.yml?raw';
import { type ParsedMetric, type ParsedSample, parseExposition } from '../support/exposition';
import { createFaultyD1 } from '../support/faulty-d1';
import { given, openTicket } from '../support/operations';
import { fulfils, parsePromql } from '../support/promql';

/** What Grafana puts into the place of its variables. */
const toPromql = (expression: string) => expression.replaceAll('$__rate_interval', '5m');

interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { h: number; w: number; x: number; y: number };
  datasource?: { type: string; uid: string };
  targets?: { refId: string; expr: string; legendFormat: string; datasource: { uid: string } }[];
}

interface Rule {
  alert: string;
  expr: string;
  for: string;
  labels: { severity: string };
  annotations: { summary: string; runbook: string };
}

const panels: Panel[] = dashboard.panels;
const targets = panels.flatMap(({ title, targets: own = [] }) => own.map((target) => ({ title, ...target })));
const { groups }: { groups: { name: string; rules: Rule[] }[] } = parse(alertsText);
const rules = groups.flatMap((group) => group.rules);

/** What Prometheus itself records about each program that it reads. */
const ownSamples: ParsedSample[] = [{ name: 'up', labels: { job: 'frontdesk', instance: 'localhost:8787' }, value: 1 }];

let printed: ParsedMetric[];
let samples: ParsedSample[];

/** The metrics after a day at the shop: work that is done, waits and is dead, refusals, and a database that fails. */
beforeAll(async () => {
  let isDown = false;
  const DB = createFaultyD1(env.DB, ({ send }) =>
    isDown ? Promise.reject(new Error('D1_ERROR: Network connection lost.')) : send(),
  );
  const system = await given({ DB });
  await openTicket(system);
  system.clock.advance(1500);
  await system.deliverQueues();
  await openTicket(system);
  await system.request('/v1/nothing');
  isDown = true;
  await openTicket(system);
  isDown = false;
  const response = await system.request('/v1/operations/metrics', { headers: system.admin.bearer });
  printed = parseExposition(await response.text());
  samples = [...printed.flatMap((metric) => metric.samples), ...ownSamples];
});

/** The labels of a metric, and of nothing when no series of it was printed. */
const labelsOf = (metric: string) =>
  new Set(samples.filter(({ name }) => name === metric).flatMap(({ labels }) => Object.keys(labels)));

/** What is wrong with an expression, compared with what the API has printed. */
function problemsOf(expression: string): string[] {
  const { selectors, groupedBy } = parsePromql(toPromql(expression));
  const found = selectors.flatMap(({ metric, matchers }) => {
    const series = samples.filter(({ name }) => name === metric);
    const known = labelsOf(metric);
    if (series.length === 0) return [`no series ${metric}`];
    const missing = [...matchers.map(({ label }) => label), ...groupedBy].filter((label) => !known.has(label));
    const isMatched = series.some(({ labels }) => matchers.every((matcher) => fulfils(labels[matcher.label], matcher)));
    return [
      ...missing.map((label) => `${metric} has no label ${label}`),
      ...(isMatched ? [] : [`no series of ${metric} fulfils ${JSON.stringify(matchers)}`]),
    ];
  });
  return selectors.length === 0 ? ['no selector'] : found;
}

/** The labels that the result of an expression has: those of its groups, or of its series. */
function resultLabels(expression: string): Set<string> {
  const { selectors, groupedBy } = parsePromql(toPromql(expression));
  if (groupedBy.length > 0) return new Set(groupedBy.filter((label) => label !== 'le'));
  return /\b(?:sum|min|max|avg)\(/.test(expression)
    ? new Set()
    : new Set(selectors.flatMap(({ metric }) => [...labelsOf(metric)]));
}

const metricsIn = (expressions: readonly string[]) =>
  new Set(expressions.flatMap((expression) => parsePromql(toPromql(expression)).selectors.map(({ metric }) => metric)));

describe('the check of expressions', () => {
  test.each([
    ['an unknown metric', 'sum(rate(frontdesk_request_total[5m]))'],
    ['an unknown label', 'frontdesk_requests_total{code="200"}'],
    ['a value that no series has', 'frontdesk_projection_lag_seconds{quantile="0.9"}'],
    ['a group by an unknown label', 'sum by (path) (frontdesk_requests_total)'],
    ['an exclusion of an unknown label', 'sum without (path) (frontdesk_requests_total)'],
  ])('finds %s', (_, expression) => expect(problemsOf(expression)).not.toEqual([]));

  test.each(['sum(', 'rate(a[5m]', 'a{b=c}', '', '5'])('refuses %j, which is not a query', (expression) => {
    const check = () => expect(problemsOf(expression)).toEqual([]);
    expect(check).toThrow();
  });
});

describe('the dashboard for Grafana (product 8.5)', () => {
  test('has panels with a title, a place of their own and queries to the chosen data source', () => {
    expect(targets.length).toBeGreaterThan(15);
    expect(dashboard.templating.list).toMatchObject([{ name: 'datasource', type: 'datasource', query: 'prometheus' }]);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const taken = new Set<string>();
    for (const { title, type, gridPos, datasource, targets: own = [] } of panels) {
      expect(title).not.toBe('');
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect([title, taken.has(`${x} ${y}`)]).toEqual([title, false]);
          taken.add(`${x} ${y}`);
        }
      }
      if (type === 'row') continue;
      const [variable] = dashboard.templating.list;
      expect([title, datasource]).toEqual([title, { type: 'prometheus', uid: `\${${variable?.name}}` }]);
      expect(own.length).toBeGreaterThan(0);
      expect(new Set(own.map(({ refId }) => refId)).size).toBe(own.length);
    }
  });

  test('asks only for metrics, labels and values that the API has printed', () => {
    const wrong = targets.map(({ title, expr }) => [title, problemsOf(expr)] as const);
    expect(wrong.filter(([, problems]) => problems.length > 0)).toEqual([]);
  });

  test('names in its legends only labels that the result has', () => {
    for (const { title, expr, legendFormat } of targets) {
      const named = [...legendFormat.matchAll(/\{\{\s*(\w+)\s*\}\}/g)].map(([, label = '']) => label);
      expect([title, named.filter((label) => !resultLabels(expr).has(label))]).toEqual([title, []]);
    }
  });

  test('shows every metric that the API prints', () => {
    const shown = metricsIn(targets.map(({ expr }) => expr));
    const isShown = ({ name, samples: own }: ParsedMetric) =>
      shown.has(name) || own.some((sample) => shown.has(sample.name));
    expect(printed.length).toBeGreaterThan(15);
    expect(printed.filter((metric) => !isShown(metric)).map(({ name }) => name)).toEqual([]);
  });
});

describe('the alert rules for Prometheus (product 8.5)', () => {
  test('ask only for metrics, labels and values that the API has printed', () => {
    expect(rules.length).toBeGreaterThan(5);
    const wrong = rules.map(({ alert, expr }) => [alert, problemsOf(expr)] as const);
    expect(wrong.filter(([, problems]) => problems.length > 0)).toEqual([]);
  });

  test('have a name of their own, a time, a severity, and a summary with labels that the result has', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { alert, expr, for: time, labels, annotations } of rules) {
      expect([alert, time, labels.severity]).toEqual([
        alert,
        expect.stringMatching(/^\d+[sm]$/),
        expect.stringMatching(/^(?:warning|critical)$/),
      ]);
      const named = [...annotations.summary.matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label);
      expect([alert, named.filter((label) => !resultLabels(expr).has(label))]).toEqual([alert, []]);
    }
  });

  test('lead to a part of the runbook', () => {
    const anchors = [...operationsPage.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\w\s-]/g, '')
        .trim()
        .replace(/\s/g, '-'),
    );
    for (const { alert, annotations } of rules) {
      const [file, anchor] = annotations.runbook.split('#');
      expect([alert, file, anchors.includes(anchor ?? '')]).toEqual([alert, 'docs/operations.md', true]);
    }
  });

  test('of server errors leaves out the readiness check, whose 503 other alerts tell', () => {
    const rule = rules.find(({ alert }) => alert === 'FrontdeskServerErrors');
    const panel = targets.find(({ title }) => title === 'Share of server errors');
    for (const expression of [rule?.expr, panel?.expr]) {
      const { selectors } = parsePromql(toPromql(expression ?? ''));
      const isCounted = (labels: Record<string, string>) =>
        selectors.map(({ matchers }) => matchers.every((matcher) => fulfils(labels[matcher.label], matcher)));
      expect(isCounted({ route: '/v1/items', status: '503' })).toEqual([true, true]);
      expect(isCounted({ route: '/v1/items', status: '200' })).toEqual([false, true]);
      expect(isCounted({ route: '/v1/health/ready', status: '503' })).toEqual([false, false]);
    }
  });

  test('cover late and dead deliveries, the lag of read models and server errors', () => {
    const used = metricsIn(rules.map(({ expr }) => expr));
    for (const metric of ['oldest_delivery_age_seconds', 'dead_letters', 'projection_lag_seconds', 'requests_total'])
      expect(used).toContain(`frontdesk_${metric}`);
  });
});
