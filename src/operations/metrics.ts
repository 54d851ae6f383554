import { limits } from '../platform/limits';
import type { LogFields } from '../platform/logger';
import type { Metric, Sample } from '../platform/metrics';
import { version } from '../platform/version';
import type { SubscriptionFigures, SystemFigures } from './figures';

const upTo = `Counted up to ${limits.figuresCounted}.`;

function ofSystem(type: 'counter' | 'gauge', name: string, help: string, samples: readonly Sample[]): Metric {
  return { name: `frontdesk_${name}`, help: `${help} Of the whole system, from D1.`, type, samples };
}

/**
 * The metrics of the system; without figures, because D1 did not answer, only that it did not.
 * @param lagTargetSeconds the target of the configuration, so that a rule of a monitor needs no number of its own
 */
export function toMetrics(figures: SystemFigures | undefined, lagTargetSeconds: number): Metric[] {
  const total = (name: string, help: string, value: number) => ofSystem('gauge', name, help, [{ value }]);
  const about: Metric[] = [
    {
      name: 'frontdesk_info',
      help: 'The version that answers, as a label.',
      type: 'gauge',
      samples: [{ labels: { version }, value: 1 }],
    },
    total(
      'database_reachable',
      '1 if D1 has answered; if not, the other figures of the system are missing.',
      figures ? 1 : 0,
    ),
    {
      name: 'frontdesk_projection_lag_target_seconds',
      help: 'The acceptable lag of the read models, LAG_TARGET_SECONDS of the configuration.',
      type: 'gauge',
      samples: [{ value: lagTargetSeconds }],
    },
  ];
  if (!figures) return about;
  const bySubscription = (name: string, help: string, value: (row: SubscriptionFigures) => number) =>
    ofSystem(
      'gauge',
      name,
      help,
      figures.subscriptions.map((row) => ({ labels: { subscription: row.subscription }, value: value(row) })),
    );
  return [
    ...about,
    ofSystem('counter', 'events_total', 'Events in the log; every change is one.', [{ value: figures.events }]),
    bySubscription(
      'deliveries_pending',
      `Deliveries that are neither done nor dead. ${upTo}`,
      ({ pending }) => pending,
    ),
    bySubscription(
      'oldest_delivery_age_seconds',
      'How long the oldest pending delivery has waited; 0 when nothing waits.',
      ({ oldestSeconds }) => oldestSeconds,
    ),
    bySubscription(
      'dead_letters',
      `Deliveries that failed by the fault of the system, and that nothing tries again by itself. ${upTo}`,
      ({ dead }) => dead,
    ),
    total(
      'refused_emails',
      `E-mails that their addresses refused; each is removed 30 days later. ${upTo}`,
      figures.refusedEmails,
    ),
    total(
      'keys_to_recheck',
      `Documents that are projected again because an earlier write to KV may still arrive. ${upTo}`,
      figures.keysToRecheck,
    ),
    total('failing_keys', `Documents that cannot be made from D1. ${upTo}`, figures.failingKeys),
    total('running_rebuilds', 'Rebuilds of read models that are running.', figures.runningRebuilds),
    total('running_erasures', `Deleted accounts of which something is left. ${upTo}`, figures.runningErasures),
    ofSystem(
      'gauge',
      'projection_lag_seconds',
      'How long events of the last hour waited for the documents of a view; a view without events has no sample.',
      figures.lags.flatMap(({ view, p50Seconds, p99Seconds }) => [
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
