import { createCounter, createHistogram, type Labels, type Metric } from './metrics';

/** The methods that are counted by their names. HTTP lets a client invent methods; each would be a series. */
const methods = ['GET', 'HEAD', 'POST', 'PATCH', 'PUT', 'DELETE', 'OPTIONS'] as const;
export type MethodLabel = (typeof methods)[number] | 'other';

/** The method of a request as a label. */
export const toMethodLabel = (method: string): MethodLabel => methods.find((known) => known === method) ?? 'other';

/** One request, as the figures see it. */
export interface FinishedRequest {
  /** The pattern of the route, and never the path: the number of series must not grow with the requests. */
  route: string;
  method: MethodLabel;
  status: number;
  durationMs: number;
}

/** What became of a commit: `conflict` is a lost race, `unclear` has an unknown outcome, `failed` is a defect. */
export const commitOutcomes = ['applied', 'conflict', 'refused', 'unclear', 'failed'] as const;
export type CommitOutcome = (typeof commitOutcomes)[number];

/**
 * What is counted beside requests, in the order in which data points have them. `batch-repeated`: the same batch of a
 * commit was sent to D1 again.
 */
export const occurrences = [
  'commit-applied',
  'commit-conflict',
  'commit-refused',
  'commit-unclear',
  'commit-failed',
  'batch-repeated',
  'command-repeated',
  'hash-refused',
] as const satisfies readonly (`commit-${CommitOutcome}` | `${string}-repeated` | 'hash-refused')[];
export type Occurrence = (typeof occurrences)[number];

/** The upper bounds of the latency buckets in seconds. A read from KV takes milliseconds, a call of D1 5 s at most. */
const latencyBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The figures of one isolate, from its start. They are data in memory, so that counting costs next to nothing. */
export interface IsolateFigures {
  request(request: FinishedRequest): void;
  count(occurrence: Occurrence): void;
  /** The figures, each with the label `isolate`. */
  read(now: { hashesWaiting: number }): Metric[];
}

export function createIsolateFigures(): IsolateFigures {
  // The runtime gives random numbers to requests only, and not while it loads the code.
  let id: string | undefined;
  const of = (text: string) => `${text} Of the isolate that answers, since its start.`;
  const requests = createCounter({
    name: 'frontdesk_requests_total',
    help: of('Requests by route, method and status; the route of a path that does not exist is "unmatched".'),
  });
  const durations = createHistogram(
    {
      name: 'frontdesk_request_duration_seconds',
      help: of('How long requests took by route and method. The clock of a Worker stands still while it computes.'),
    },
    latencyBounds,
  );
  const commits = createCounter(
    { name: 'frontdesk_commits_total', help: of('Commits to D1 by outcome.') },
    commitOutcomes.map((outcome) => ({ outcome })),
  );
  const counters = {
    'batch-repeated': createCounter(
      {
        name: 'frontdesk_repeated_batches_total',
        help: of('Batches of commits that were sent to D1 again because the answer was missing.'),
      },
      [{}],
    ),
    'command-repeated': createCounter(
      {
        name: 'frontdesk_command_retries_total',
        help: of(
          'Commands that ran again: after a lost race, or on the primary after a refusal with the data of a replica.',
        ),
      },
      [{}],
    ),
    'hash-refused': createCounter(
      {
        name: 'frontdesk_hashes_refused_total',
        help: of('Passwords that were not hashed because too many requests waited.'),
      },
      [{}],
    ),
  };

  return {
    request({ route, method, status, durationMs }) {
      const labels = { route, method };
      requests.add({ ...labels, status: String(status) });
      durations.observe(labels, durationMs / 1000);
    },
    count(occurrence) {
      if (occurrence in counters) counters[occurrence as keyof typeof counters].add();
      else commits.add({ outcome: occurrence.replace('commit-', '') });
    },
    read({ hashesWaiting }) {
      id ??= crypto.randomUUID().slice(0, 8);
      const isolate = id;
      const metrics: Metric[] = [
        requests.read(),
        durations.read(),
        commits.read(),
        ...Object.values(counters).map((counter) => counter.read()),
        {
          name: 'frontdesk_hashes_waiting',
          help: 'Requests that wait for their turn to hash a password. Of the isolate that answers, now.',
          type: 'gauge',
          samples: [{ value: hashesWaiting }],
        },
      ];
      const withIsolate = (labels: Labels = {}) => ({ isolate, ...labels });
      return metrics.map((metric) => ({
        ...metric,
        samples: metric.samples.map((sample) => ({ ...sample, labels: withIsolate(sample.labels) })),
      }));
    },
  };
}
