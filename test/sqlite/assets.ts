import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
};

/** The files of `public/`, as the runtime serves them: a folder has the page `index.html`. */
export const assets = {
  async fetch({ headers, url }: Request): Promise<Response> {
    const path = new URL(url).pathname;
    // No file in public/ has a name that an address must encode.
    const file = path.endsWith('/') ? `${path}index.html` : path;
    const type = types[extname(file)];
    const content = type && normalize(file) === file ? await readFile(join('public', file)).catch(() => null) : null;
    if (!type || !content) return new Response(null, { status: 404 });
    const etag = `"${createHash('md5').update(content).digest('hex')}"`;
    const isKnown = headers.get('If-None-Match') === etag;
    return new Response(isKnown ? null : new Uint8Array(content), {
      status: isKnown ? 304 : 200,
      headers: { 'Content-Type': type, 'Cache-Control': 'public, max-age=0, must-revalidate', ETag: etag },
    });
  },
};
