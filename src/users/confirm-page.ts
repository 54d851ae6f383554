import { Hono } from 'hono';
import { accepts } from 'hono/accepts';
import { html } from 'hono/html';
import type { AppEnv } from '../http/context';
import { renderPage } from '../http/page';
import { type Language, languages } from '../notifications/language';

/** The texts of the page; `public/assets/confirm-email.js` shows those of `outcomes` by their names. */
interface PageTexts {
  title: string;
  needsScript: string;
  start: string;
  button: string;
  outcomes: Readonly<Record<'none' | 'done' | 'used' | 'ended' | 'taken' | 'limited' | 'unavailable', string>>;
}

const texts: Readonly<Record<Language, PageTexts>> = {
  en: {
    title: 'Confirm your e-mail address',
    needsScript:
      'This page needs JavaScript, which did not run in your browser. Please allow it for this page, and open the link in the e-mail again.',
    start: 'Please confirm that the e-mail with this link was sent to your address.',
    button: 'Confirm the address',
    outcomes: {
      none: 'This page confirms an address with a link that you get by e-mail. Please open the link in the e-mail.',
      done: 'Your e-mail address is confirmed. You can close this page.',
      used: 'This link has been used already, and the address was confirmed then. Nothing is left to do.',
      ended: 'This link has expired, or a newer one has replaced it. Sign in to the shop, and ask for a new link.',
      taken: 'Another account has this e-mail address by now, so your account keeps the address that it has.',
      limited: 'There were too many attempts. Please wait a minute, and try again.',
      unavailable: 'The shop did not answer. Please try again in a few seconds.',
    },
  },
  de: {
    title: 'E-Mail-Adresse bestätigen',
    needsScript:
      'Diese Seite braucht JavaScript, das in Ihrem Browser nicht ausgeführt wurde. Bitte erlauben Sie es für diese Seite, und öffnen Sie den Link in der E-Mail noch einmal.',
    start: 'Bitte bestätigen Sie, dass die E-Mail mit diesem Link an Ihre Adresse ging.',
    button: 'Adresse bestätigen',
    outcomes: {
      none: 'Diese Seite bestätigt eine Adresse mit einem Link, den Sie per E-Mail bekommen. Bitte öffnen Sie den Link in der E-Mail.',
      done: 'Ihre E-Mail-Adresse ist bestätigt. Sie können diese Seite schließen.',
      used: 'Dieser Link wurde schon benutzt, und die Adresse wurde dabei bestätigt. Es ist nichts mehr zu tun.',
      ended:
        'Dieser Link ist abgelaufen oder durch einen neueren ersetzt. Melden Sie sich im Shop an, und fordern Sie einen neuen Link an.',
      taken: 'Diese E-Mail-Adresse hat inzwischen ein anderes Konto. Ihr Konto behält deshalb seine bisherige Adresse.',
      limited: 'Das waren zu viele Versuche. Bitte warten Sie eine Minute, und versuchen Sie es noch einmal.',
      unavailable: 'Der Shop hat nicht geantwortet. Bitte versuchen Sie es in einigen Sekunden noch einmal.',
    },
  },
};

/** The language that a browser prefers among those of the pages. @see RFC 9110, 12.5.4 */
export function preferredLanguage(wanted: readonly { type: string; q: number }[]): Language {
  const byPreference = wanted.filter(({ q }) => q > 0).toSorted((one, other) => other.q - one.q);
  for (const { type } of byPreference) {
    const found = languages.find((language) => type.toLowerCase().split('-')[0] === language);
    if (found) return found;
  }
  return 'en';
}

/** Loading the page confirms nothing, because programs that look for harmful links load it too: its reader presses a button. */
function confirmEmailPage(brand: string, language: Language) {
  const { title, needsScript, start, button, outcomes } = texts[language];
  return renderPage({
    title: `${title} · ${brand}`,
    language,
    modules: ['/assets/confirm-email.js'],
    body: html`<main>
      <p class="brand">${brand}</p>
      <h1>${title}</h1>
      <p id="no-script">${needsScript}</p>
      <p id="news" role="status" tabindex="-1"></p>
      <p id="problem" role="alert" tabindex="-1"></p>
      <form id="confirm" hidden>
        <p class="hint">${start}</p>
        <button>${button}</button>
      </form>
      ${Object.entries(outcomes).map(([name, text]) => html`<p id="text-${name}" hidden>${text}</p>`)}
    </main>`,
  });
}

/** The page to which a link leads that confirms an address. */
export const confirmPage = new Hono<AppEnv>().get('/confirm-email', (c) => {
  const language = accepts(c, {
    header: 'Accept-Language',
    supports: [...languages],
    default: 'en',
    match: (wanted) => preferredLanguage(wanted),
  });
  c.header('Vary', 'Accept-Language', { append: true });
  return c.html(confirmEmailPage(c.var.http.brand, language === 'de' ? 'de' : 'en'));
});
