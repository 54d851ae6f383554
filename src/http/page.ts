import { html } from 'hono/html';

type Html = ReturnType<typeof html>;

interface Page {
  /** The language of the page (BCP 47); English without it. */
  language?: string;
  title: string;
  body: Html;
  /** Paths of assets. */
  styles?: readonly string[];
  /** A library that is no module. */
  scripts?: readonly string[];
  modules?: readonly string[];
}

/** A page of HTML. Styles and scripts are assets, because the content security policy allows none in the page. */
export function renderPage({
  language = 'en',
  title,
  body,
  styles = ['/assets/pages.css'],
  scripts = [],
  modules = [],
}: Page): Html {
  return html`<!doctype html>
<html lang="${language}">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>${title}</title>
    <link rel="icon" href="/assets/favicon.svg" type="image/svg+xml">
    ${styles.map((style) => html`<link rel="stylesheet" href="${style}">`)}
    ${scripts.map((script) => html`<script src="${script}" defer></script>`)}
    ${modules.map((module) => html`<script src="${module}" type="module"></script>`)}
  </head>
  <body>
    ${body}
  </body>
</html>`;
}
