import type { Context, Hono } from 'hono';
import { html, raw } from 'hono/html';
import type { AppEnv } from './http/context';
import { renderPage } from './http/page';
import { handleNotFound } from './http/problem';
import { composeEmail } from './notifications/email';
import { examples } from './notifications/examples';
import { languages } from './notifications/language';
import { isSecurity, type Notification } from './notifications/notification';
import { createUnsubscribeLinks } from './notifications/unsubscribe-links';

const path = '/docs/emails';
const receivers = {
  en: { name: 'Ada Byron', locale: 'en-GB', timezone: 'Europe/London' },
  de: { name: 'Ada Byron', locale: 'de-AT', timezone: 'Europe/Vienna' },
};

/** Each example, by its name in an address. */
const notifications = new Map<string, Notification>(
  Object.entries(examples).flatMap(([kind, all]) =>
    // The facts of an example are those of its kind.
    all.map((facts, index) => [`${kind}-${index + 1}`, { userId: 'example', kind, facts } as Notification] as const),
  ),
);

/** The e-mail that an address names; undefined where there is none, and where nobody may see e-mails. */
function findPreview(c: Context<AppEnv>) {
  const { brand, clock, keyedHashes, publicUrl, showsEmails } = c.var.http;
  const notification = notifications.get(c.req.param('example') ?? '');
  const language = languages.find((each) => each === c.req.param('language'));
  if (!showsEmails || !notification || !language) return undefined;
  const account = receivers[language];
  const { urlFor } = createUnsubscribeLinks(keyedHashes, publicUrl);
  const unsubscribeUrl = isSecurity(notification) ? undefined : urlFor(notification.userId, account.locale);
  return composeEmail(notification, { account, brand, at: clock.now(), unsubscribeUrl });
}

const listPage = renderPage({
  title: 'E-mails · Frontdesk API',
  body: html`<main>
      <h1>E-mails</h1>
      <p>Every e-mail in every language, for development only.</p>
      <ul>
        ${[...notifications.keys()].map(
          (example) =>
            html`<li><code>${example}</code>${languages.map(
              (language) => html` <a href="${path}/${language}/${example}" hreflang="${language}">${language}</a>`,
            )}</li>`,
        )}
      </ul>
    </main>`,
});

/** Adds the pages that show what each e-mail looks like. */
export function mountEmailPreviews(app: Hono<AppEnv>): void {
  app.get(path, (c) => (c.var.http.showsEmails ? c.html(listPage) : handleNotFound(c)));
  app.get(`${path}/:language/:example`, (c) => {
    const email = findPreview(c);
    if (!email) return handleNotFound(c);
    const { language, example } = c.req.param();
    const body = html`<main>
      <p><a href="${path}">E-mails</a></p>
      <h1>${email.subject}</h1>
      <p><a href="${path}/${language}/${example}/html">The HTML of this e-mail</a></p>
      <pre>${email.text}</pre>
    </main>`;
    return c.html(renderPage({ title: `${example} · E-mails`, language, body }));
  });
  app.get(`${path}/:language/:example/html`, (c) => {
    const email = findPreview(c);
    return email ? c.html(raw(email.html)) : handleNotFound(c);
  });
}
