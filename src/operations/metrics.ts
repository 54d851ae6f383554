import { limits } from '../platform/limits';
import type { LogFields } from '../platform/logger';
import type { Labels, Metric, Sample } from '../platform/metrics';
import { version } from '../platform/version';
import type { SystemFigures } from './figures';

const ofSystem = 'Of the whole system, from D1.';
const upTo = `Counted up to ${limits.figuresCounted}.`;

function gauge(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name: `frontdesk_${name}`, help, type: 'gauge', samples };
}

/** A sample for each thing; a figure without a label is a sample of nothing in particular. */
function samplesOf<Row>(rows: readonly Row[], labels: (row: Row) => Labels, value: (row: Row) => number): Sample[] {
  return rows.map((row) => ({ labels: labels(row), value: value(row) }));
}

/** The metrics of the system; without figures, because D1 did not answer, only that it did not. */
export function toMetrics(figures: SystemFigures | undefined): Metric[] {
  const about = [
    gauge('info', 'The version that answers, as a label.', [{ labels: { version }, value: 1 }]),
    gauge(
      'database_reachable',
      `1 if D1 has answered; if not, the other figures of the system are missing. ${ofSystem}`,
      [{ value: figures ? 1 : 0 }],
    ),
  ];
  if (!figures) return about;
  const { subscriptions, lags } = figures;
  const bySubscription = (value: (row: (typeof subscriptions)[number]) => number) =>
    samplesOf(subscriptions, ({ subscription }) => ({ subscription }), value);
  return [
    ...about,
    {
      name: 'frontdesk_events_total',
      help: `Events in the log; every change is one. ${ofSystem}`,
      type: 'counter',
      samples: [{ value: figures.events }],
    },
    gauge(
      'deliveries_pending',
      `Deliveries that are neither done nor dead. ${upTo} ${ofSystem}`,
      bySubscription((row) => row.pending),
    ),
    gauge(
      'oldest_delivery_age_seconds',
      `How long the oldest pending delivery has waited; 0 when nothing waits. ${ofSystem}`,
      bySubscription((row) => row.oldestSeconds),
    ),
    gauge(
      'dead_letters',
      `Deliveries that nothing tries again by itself. ${upTo} ${ofSystem}`,
      bySubscription((row) => row.dead),
    ),
    gauge(
      'keys_to_recheck',
      `Documents that are projected again because an earlier write to KV may still arrive. ${upTo} ${ofSystem}`,
      [{ value: figures.keysToRecheck }],
    ),
    gauge('failing_keys', `Documents that cannot be made from D1. ${upTo} ${ofSystem}`, [
      { value: figures.failingKeys },
    ]),
    gauge('running_rebuilds', `Rebuilds of read models that are running. ${ofSystem}`, [
      { value: figures.runningRebuilds },
    ]),
    gauge(
      'projection_lag_seconds',
      `How long events of the last hour waited for the documents of a view; a view without events has no sample. ${ofSystem}`,
      lags.flatMap(({ view, p50Seconds, p99Seconds }) => [
        { labels: { view, quantile: '0.5' }, value: p50Seconds },
        { labels: { view, quantile: '0.99' }, value: p99Seconds },
      ]),
    ),
  ];
}

/** The figures of the system as the fields of a log entry. A figure that is 0 is left out, so that the line stays short. */
export function toLogFields(figures: SystemFigures): LogFields {
  const { events, subscriptions, lags, ...totals } = figures;
  const fields = {
    ...totals,
    ...Object.fromEntries(
      subscriptions.flatMap(({ subscription, pending, oldestSeconds, dead }) => [
        [`pending.${subscription}`, pending],
        [`oldestSeconds.${subscription}`, oldestSeconds],
        [`dead.${subscription}`, dead],
      ]),
    ),
    ...Object.fromEntries(
      lags.flatMap(({ view, p50Seconds, p99Seconds }) => [
        [`lagP50Seconds.${view}`, p50Seconds],
        [`lagP99Seconds.${view}`, p99Seconds],
      ]),
    ),
  };
  return { events, ...Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== 0)) };
}
