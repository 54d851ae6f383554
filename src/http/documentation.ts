import type { Hono } from 'hono';
import { html } from 'hono/html';
import type { ErrorInfo } from '../platform/errors';
import type { AppEnv } from './context';
import { type ApiDescription, type Specification, specify } from './openapi-document';
import { renderPage } from './page';
import { handleNotFound, problemPath, statusOf, titles } from './problem';

const documentationPage = renderPage({
  title: 'Frontdesk API',
  styles: ['/docs/assets/swagger-ui.css', '/assets/docs.css'],
  scripts: ['/docs/assets/swagger-ui-bundle.js'],
  modules: ['/assets/docs.js'],
  body: html`<noscript>
      <p>This page needs JavaScript. The same document without a page is at <a href="/openapi.json">/openapi.json</a>.</p>
    </noscript>
    <div id="docs"></div>`,
});

/** The page at the address that a problem has as its `type`. */
function problemPage({ code, kind, meaning, remedy }: ErrorInfo) {
  return renderPage({
    title: `${code} · Frontdesk API`,
    body: html`<main>
      <h1><code>${code}</code></h1>
      <p>Status ${statusOf[kind]} ${titles[statusOf[kind]]}</p>
      <h2>What it means</h2>
      <p>${meaning}</p>
      <h2>What to do</h2>
      <p>${remedy}</p>
      <p><a href="/problems">All error codes</a> · <a href="/docs">API documentation</a></p>
    </main>`,
  });
}

function problemList(errors: readonly ErrorInfo[]) {
  const rows = errors.map(
    ({ code, kind, meaning }) => html`<tr>
            <td><a href="${problemPath(code)}"><code>${code}</code></a></td>
            <td>${statusOf[kind]}</td>
            <td>${meaning}</td>
          </tr>`,
  );
  return renderPage({
    title: 'Error codes · Frontdesk API',
    body: html`<main>
      <h1>Error codes</h1>
      <p><a href="/docs">API documentation</a></p>
      <table>
        <thead><tr><th>Code</th><th>Status</th><th>What it means</th></tr></thead>
        <tbody>${rows}</tbody>
      </table>
    </main>`,
  });
}

/**
 * Adds `/openapi.json`, which is made from the schemas that validate requests; `/docs`, which shows it without scripts
 * from other origins, and to which `/` leads; and the error catalogue at `/problems`.
 */
export function mountDocumentation(app: Hono<AppEnv>, description: ApiDescription): void {
  /** The result and not its promise, because the runtime ties a promise to the request that made it. */
  let specification: Specification | undefined;
  app.get('/openapi.json', async (c) => {
    specification ??= await specify(app, description, c.var.http.publicUrl);
    return c.json(specification);
  });
  app.get('/', (c) => c.redirect('/docs', 302));
  app.get('/docs', (c) => c.html(documentationPage));
  app.get('/problems', (c) => c.html(problemList(description.errors)));
  app.get('/problems/:code', (c) => {
    const error = description.errors.find(({ code }) => code === c.req.param('code'));
    return error ? c.html(problemPage(error)) : handleNotFound(c);
  });
}
