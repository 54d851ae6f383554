import type { Context, Hono } from 'hono';
import type { AppEnv } from './context';
import { handleNotFound } from './problem';

/** Sends a file of `public/`. A missing file gets problem details, like every other address without a resource. */
export async function sendAsset(c: Context<AppEnv>, path: string): Promise<Response> {
  const { headers } = c.req.raw;
  const asset = await c.env.ASSETS.fetch(new Request(new URL(path, c.req.url), { headers }));
  // The responses of the assets to wrong requests are no problem details.
  if (asset.status !== 200 && asset.status !== 304) return handleNotFound(c);
  // The API's own rule for caches is for the data of its callers.
  c.header('Cache-Control', undefined);
  return c.newResponse(asset.body, asset);
}

/**
 * Adds the addresses of the files in `public/`: `assets` has those of this repository, `docs/assets` those that
 * `npm ci` copies from Swagger UI.
 */
export function mountAssets(app: Hono<AppEnv>): void {
  for (const address of ['/assets/:file', '/docs/assets/:file'] as const) {
    app.get(address, (c) => sendAsset(c, c.req.path));
  }
  // Browsers ask for it beside responses that are no pages, and so name no icon.
  app.get('/favicon.ico', (c) => sendAsset(c, '/assets/favicon.svg'));
}
