import type { Context, Hono } from 'hono';
import { sendAsset } from './assets';
import type { AppEnv } from './context';

/** The address of the console. */
export const consolePath = '/console';

/** Whether an address belongs to the console, whose pages have a policy of their own. */
export function isOfConsole(path: string): boolean {
  return path === consolePath || path.startsWith(`${consolePath}/`);
}

/** The one page of the console, which shows the screen of each address below it. Browsers ask for a newer one each time. */
async function sendPage(c: Context<AppEnv>): Promise<Response> {
  const page = await sendAsset(c, `${consolePath}/`);
  if (page.status < 400) page.headers.set('Cache-Control', 'no-cache');
  return page;
}

/** The files of the page. Their names contain a hash of their content, so a browser never asks for one again. */
async function sendFile(c: Context<AppEnv>): Promise<Response> {
  const file = await sendAsset(c, c.req.path);
  if (file.status < 400) file.headers.set('Cache-Control', 'public, max-age=31536000, immutable');
  return file;
}

/** Adds the web console, which `npm run build:console` builds into `public/console`. It uses the public API and nothing else. */
export function mountConsole(app: Hono<AppEnv>): void {
  app.get(`${consolePath}/assets/:file`, sendFile);
  app.get(consolePath, sendPage);
  app.get(`${consolePath}/*`, sendPage);
}
