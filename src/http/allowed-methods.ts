import type { Context, Hono } from 'hono';
import type { AppEnv } from './context';
import { httpErrors } from './errors';

/** A text as a regular expression for exactly this text. */
function toPattern(text: string): string {
  return text.replace(/[^\w-]/g, '\\$&');
}

/** A segment of a path as a regular expression; the last one can stand for any number of them. */
function toSegmentPattern(segment: string): string {
  if (segment === '*') return '.*';
  return segment.startsWith(':') ? '[^/]+' : toPattern(segment);
}

interface Resource {
  /** Where requests look for it; see {@link areaOf}. */
  area: string;
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
    const segments = path.split('/').map(toSegmentPattern);
    // Whatever is below an address counts as the least exact resource.
    const parameters = path.endsWith('/*') ? Number.MAX_SAFE_INTEGER : path.split('/:').length - 1;
    return {
      area: areaOf(path),
      pattern: new RegExp(`^${segments.join('/')}$`),
      parameters,
      methods: [...new Set([...methods, 'OPTIONS'])],
    };
  });
  return resources.sort((a, b) => a.parameters - b.parameters);
}

/** The part of the API that a path is in, such as `/v1/orders`; the few pages and files beside the API are one part. */
function areaOf(path: string): string {
  return path.startsWith('/v1/') ? path.split('/', 3).join('/') : '';
}

/**
 * Makes the function that answers OPTIONS, and refuses methods that a resource does not have. `/users/me` is a resource of its
 * own, so it does not have the methods of `/users/:id`. The middleware of hono mixes both.
 */
export function createMethodCheck(app: Hono<AppEnv>): (c: Context<AppEnv>) => Response | undefined {
  let areas: Map<string, Resource[]> | undefined;
  return (c) => {
    // The routes are added after the middleware.
    areas ??= Map.groupBy(resourcesOf(app), ({ area }) => area);
    const { method, path } = c.req;
    const allowed = areas.get(areaOf(path))?.find(({ pattern }) => pattern.test(path))?.methods;
    if (!allowed) return undefined;
    if (method === 'OPTIONS') return c.body(null, 204, { Allow: allowed.join(', ') });
    if (!allowed.includes(method)) throw httpErrors.methodNotAllowed({ allowed });
    return undefined;
  };
}
