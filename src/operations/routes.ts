import { Hono } from 'hono';
import { z } from 'zod';
import type { AppEnv } from '../http/context';
import { describe } from '../http/openapi';

const health = z.object({ status: z.literal('ok') }).meta({ ref: 'Health' });

/** For those who run the system. */
export const operationsRoutes = new Hono<AppEnv>().get(
  '/health',
  describe({
    summary: 'Whether the Worker is alive',
    tags: ['Operations'],
    security: 'none',
    body: health,
    problems: [],
  }),
  (c) => c.json({ status: 'ok' as const }, 200),
);
