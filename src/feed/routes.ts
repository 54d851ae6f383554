import { Hono } from 'hono';
import type { AccessRules } from '../http/access';
import { authenticate } from '../http/authentication';
import type { RouteEnv } from '../http/context';
import { describeUnstoredQuery } from '../http/openapi';
import { limitCaller } from '../http/rate-limits';
import { sendSlice } from '../http/responses';
import { validate } from '../http/validation';
import type { FeedQueries } from './queries';
import { feedPage, feedRequest } from './schemas';

/** The feed of events, for consumers that build read models of their own. */
export const feedRoutes = new Hono<RouteEnv<object, FeedQueries>>().get(
  '/',
  describeUnstoredQuery<FeedQueries>('ReadEvents', {
    summary: 'Read the events after a position, in order (admin)',
    description:
      'Every event of the log, once and in order, as CloudEvents 1.0 in the newest version of its type. Store `nextAfter` and ' +
      '`epoch` together with what you make of the events, and send them as `after` and `epoch` with the next request; `Link` has its ' +
      'address. With `wait` the answer comes when there is an event, or after so many seconds without one.',
    tags: ['Events'],
    body: feedPage,
    problems: [403, 409],
  }),
  authenticate,
  limitCaller('feed'),
  validate('query', feedRequest),
  async (c) => {
    const { signal } = c.req.raw;
    const { freshness, ...page } = await c.var.queries.ReadEvents(c.req.valid('query'), () => signal?.aborted === true);
    const next = { after: String(page.nextAfter), epoch: page.epoch };
    return sendSlice(c, page, { next, freshness });
  },
);

/** Whom the feed serves. */
export const feedAccess: AccessRules<typeof feedRoutes> = { 'GET /': 'admin' };
