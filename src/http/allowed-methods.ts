import type { Hono } from 'hono';
import { createMiddleware } from 'hono/factory';
import type { AppEnv } from './context';
import { httpErrors } from './errors';

/** A text as a regular expression for exactly this text. */
function toPattern(text: string): string {
  return text.replace(/[^\w-]/g, '\\$&');
}

interface Resource {
  pattern: RegExp;
  parameters: number;
  methods: string[];
}

/** The resources of an app, those with the fewest parameters in their paths first. */
function resourcesOf({ routes }: Hono<AppEnv>): Resource[] {
  const methodsByPath = new Map<string, string[]>();
  for (const { method, path } of routes) {
    if (method === 'ALL') continue;
    const methods = methodsByPath.get(path) ?? [];
    methods.push(...(method === 'GET' ? ['GET', 'HEAD'] : [method]));
    methodsByPath.set(path, methods);
  }
  const resources = [...methodsByPath].map(([path, methods]) => {
    const segments = path.split('/').map((segment) => (segment.startsWith(':') ? '[^/]+' : toPattern(segment)));
    const parameters = path.split('/:').length - 1;
    return {
      pattern: new RegExp(`^${segments.join('/')}$`),
      parameters,
      methods: [...new Set([...methods, 'OPTIONS'])],
    };
  });
  return resources.sort((a, b) => a.parameters - b.parameters);
}

/**
 * Answers OPTIONS, and refuses methods that a resource does not have. `/users/me` is a resource of its own, so it does not
 * have the methods of `/users/:id`. The middleware of hono mixes both.
 */
export function allowMethods(app: Hono<AppEnv>) {
  let resources: Resource[] | undefined;
  return createMiddleware<AppEnv>(async (c, next) => {
    // The routes are added after the middleware.
    resources ??= resourcesOf(app);
    const { method, path } = c.req;
    const allowed = resources.find(({ pattern }) => pattern.test(path))?.methods;
    if (!allowed) return next();
    if (method === 'OPTIONS') return c.body(null, 204, { Allow: allowed.join(', ') });
    if (!allowed.includes(method)) throw httpErrors.methodNotAllowed({ allowed });
    return next();
  });
}
