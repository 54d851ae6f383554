import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { authenticate } from '../http/authentication';
import { type AppEnv, commandContext } from '../http/context';
import { describe } from '../http/openapi';
import { answerPage, decodeCursor, pageQuery } from '../http/pagination';
import { answerCommand, authorize, commandAnswer, setCommandHeaders } from '../http/responses';
import { validate } from '../http/validation';
import { openSession } from '../platform/d1';
import { requireAdmin } from '../users/user';
import { findDeadLetters, findEvents, findProjections } from './queries';
import { checkReadiness } from './readiness';
import { rebuildNotFound } from './rebuild';
import { findRebuild, findRebuilds, presentRebuild } from './rebuilds';
import * as schemas from './schemas';

const tags = ['Operations'];
const read = { tags, kind: 'plain', problems: [400, 403] } as const;
const viewParam = z.object({ view: schemas.viewName });
const idParam = z.object({ id: z.uuid() });
const letterParam = z.object({ id: schemas.deadLetterId });
const letterCursor = z.tuple([z.int(), schemas.subscription]);
const eventCursor = z.tuple([z.int()]);

const auditQuery = pageQuery.extend({
  stream: z
    .string()
    .regex(/^[a-z-]{1,32}\/[\w-]{1,64}$/)
    .optional()
    .meta({ description: 'Type and id of a stream.', examples: ['ticket/0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11'] }),
  actor: z.uuid().optional(),
  command: z.string().min(1).max(64).optional(),
  request: z.string().min(1).max(64).optional(),
});

const letterQuery = pageQuery.extend({ subscription: schemas.subscription.optional() });

/** D1's primary, for an admin: what is looked at when something is stuck must not be an old copy. */
async function openForAdmin(c: Context<AppEnv>) {
  requireAdmin(await authorize(c));
  c.header('Cache-Control', 'private, no-store');
  return openSession(c.var.services.database, 'first-primary').db;
}

function streamOf(text: string | undefined) {
  const [type, id] = text?.split('/') ?? [];
  return type && id ? { type, id } : undefined;
}

/** The position and the subscription that a dead letter's id is made of. */
function letterOf(id: string) {
  const [position, subscription] = id.split('-');
  return { position: Number(position), subscription: schemas.subscription.parse(subscription) };
}

/** For those who run the system. */
export const operationsRoutes = new Hono<AppEnv>()
  .get(
    '/projections',
    describe({ summary: 'How far the read models are (admin)', ...read, body: schemas.projectionList }),
    authenticate,
    async (c) => {
      const db = await openForAdmin(c);
      const { clock, views } = c.var.services;
      return c.json(await findProjections(db, views, clock.now()), 200);
    },
  )
  .post(
    '/projections/:view/rebuild',
    describe({
      summary: 'Rebuild a read model from the event log (admin)',
      tags,
      status: 202,
      body: commandAnswer,
      problems: [400, 403, 404, 409],
    }),
    authenticate,
    validate('param', viewParam),
    async (c) => {
      const { commands, logger, rebuilds, waitUntil } = c.var.services;
      const outcome = await commands.execute('StartRebuild', c.req.valid('param'), commandContext(c));
      // Losing this loses nothing: the schedule starts what does not move.
      const first = { rebuildId: outcome.result.id, step: 0 };
      waitUntil(rebuilds.send(first).catch((error) => logger.error('rebuild.not-sent', error)));
      c.header('Location', `/v1/operations/rebuilds/${outcome.result.id}`);
      return c.json(answerCommand(c, outcome), 202);
    },
  )
  .get(
    '/rebuilds',
    describe({ summary: 'The latest rebuilds (admin)', ...read, body: schemas.rebuildList }),
    authenticate,
    async (c) => c.json({ data: (await findRebuilds(await openForAdmin(c))).map(presentRebuild) }, 200),
  )
  .get(
    '/rebuilds/:id',
    describe({
      summary: 'The progress of a rebuild (admin)',
      ...read,
      problems: [400, 403, 404],
      body: schemas.rebuild,
    }),
    authenticate,
    validate('param', idParam),
    async (c) => {
      const rebuild = await findRebuild(await openForAdmin(c), c.req.valid('param').id);
      if (!rebuild) throw rebuildNotFound();
      return c.json(presentRebuild(rebuild), 200);
    },
  )
  .post(
    '/rebuilds/:id/cancel',
    describe({ summary: 'Cancel a rebuild (admin)', tags, body: commandAnswer, problems: [400, 403, 404, 409, 412] }),
    authenticate,
    validate('param', idParam),
    async (c) => {
      const payload = { rebuildId: c.req.valid('param').id };
      return c.json(
        answerCommand(c, await c.var.services.commands.execute('CancelRebuild', payload, commandContext(c))),
        200,
      );
    },
  )
  .get(
    '/dead-letters',
    describe({ summary: 'List dead letters, newest first (admin)', ...read, body: schemas.deadLetterPage }),
    authenticate,
    validate('query', letterQuery),
    async (c) => {
      const { subscription, cursor, limit } = c.req.valid('query');
      const before = cursor === undefined ? undefined : decodeCursor(cursor, letterCursor);
      const letters = await findDeadLetters(await openForAdmin(c), { subscription, before }, limit + 1);
      return c.json(
        answerPage(c, letters, limit, (letter) => [letter.position, letter.subscription]),
        200,
      );
    },
  )
  .post(
    '/dead-letters/replay',
    describe({
      summary: 'Replay all dead letters, or those of a subscription (admin)',
      tags,
      body: schemas.treated,
      problems: [400, 403, 409, 413, 415, 422],
    }),
    authenticate,
    validate('json', schemas.manyDeadLetters),
    async (c) => {
      const { commands, relay, waitUntil } = c.var.services;
      const outcome = await commands.execute('ReplayDeadLetters', c.req.valid('json'), commandContext(c));
      setCommandHeaders(c, outcome);
      waitUntil(relay());
      return c.json(outcome.result, 200);
    },
  )
  .post(
    '/dead-letters/:id/replay',
    describe({ summary: 'Replay a dead letter (admin)', tags, body: schemas.treated, problems: [400, 403, 404, 409] }),
    authenticate,
    validate('param', letterParam),
    async (c) => {
      const { commands, relay, waitUntil } = c.var.services;
      const letter = letterOf(c.req.valid('param').id);
      const outcome = await commands.execute('ReplayDeadLetters', letter, commandContext(c));
      setCommandHeaders(c, outcome);
      waitUntil(relay());
      return c.json(outcome.result, 200);
    },
  )
  .delete(
    '/dead-letters/:id',
    describe({ summary: 'Discard a dead letter (admin)', tags, status: 204, problems: [403, 404, 409] }),
    authenticate,
    validate('param', letterParam),
    async (c) => {
      const letter = letterOf(c.req.valid('param').id);
      setCommandHeaders(c, await c.var.services.commands.execute('DiscardDeadLetters', letter, commandContext(c)));
      return c.body(null, 204);
    },
  )
  .get(
    '/events',
    describe({
      summary: 'The event log, newest first: who did what (admin)',
      ...read,
      body: schemas.auditPage,
    }),
    authenticate,
    validate('query', auditQuery),
    async (c) => {
      const { stream, cursor, limit, ...filter } = c.req.valid('query');
      const before = cursor === undefined ? undefined : decodeCursor(cursor, eventCursor)[0];
      const db = await openForAdmin(c);
      const events = await findEvents(db, { ...filter, stream: streamOf(stream), before }, limit + 1);
      return c.json(
        answerPage(c, events, limit, ({ position }) => [position]),
        200,
      );
    },
  );

/** Whether it is alive, and whether it can do its work. */
export const healthRoutes = new Hono<AppEnv>()
  .get(
    '/',
    describe({
      summary: 'Whether the Worker is alive',
      tags,
      security: 'none',
      kind: 'plain',
      body: schemas.health,
      problems: [],
    }),
    (c) => c.json({ status: 'ok' as const }, 200),
  )
  .get(
    '/ready',
    describe({
      summary: 'Whether it can do its work, and what keeps it from it',
      description: '503 with the same body when it is unavailable; dead letters alone only degrade it.',
      tags,
      security: 'none',
      kind: 'plain',
      alsoUnavailable: true,
      body: schemas.readiness,
      problems: [],
    }),
    async (c) => {
      const readiness = await checkReadiness(c.var.services);
      c.header('Cache-Control', 'no-store');
      return readiness.status === 'unavailable' ? c.json(readiness, 503) : c.json(readiness, 200);
    },
  );
