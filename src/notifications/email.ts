import { html } from 'hono/html';
import { formatMoney } from '../platform/money';
import { formatDuration, formatTime, type Language, speechFor } from './language';
import type { Notification } from './notification';
import type { NotifiedAccount } from './notified-account';
import { english } from './texts/english';
import { german } from './texts/german';
import type { Saying, Text, Texts } from './texts/text';

const textsOf: Readonly<Record<Language, Texts>> = { en: english, de: german };

export function textsFor(language: Language): Texts {
  return textsOf[language];
}

/** The content of an e-mail, without its recipient. */
export interface EmailContent {
  subject: string;
  text: string;
  html: string;
}

/** For whom an e-mail is written, and what it needs beside the facts. */
export interface Writing {
  account: Pick<NotifiedAccount, 'name' | 'locale' | 'timezone'>;
  /** The name of the shop. */
  brand: string;
  /** The time of the event, in milliseconds. */
  at: number;
  /** The link that ends such e-mails; absent for what is for security. */
  unsubscribeUrl?: string | undefined;
}

const link = (url: string) => html`<p><a href="${url}">${url}</a></p>`;

/** Writes an e-mail as plain text and as HTML, from the same words. */
export function composeEmail(
  notification: Notification,
  { account, at, brand, unsubscribeUrl }: Writing,
): EmailContent {
  const speech = speechFor(account.locale);
  const texts = textsFor(speech.language);
  const say: Saying = {
    brand,
    at: formatTime(at, speech, account.timezone),
    money: (money) => formatMoney(money, speech.locale),
    duration: (minutes) => formatDuration(minutes, speech),
  };
  // Each kind has a text for its own facts; TypeScript does not follow that through the table.
  const write = texts.kinds[notification.kind] as (facts: Notification['facts'], say: Saying) => Text;
  const { subject, paragraphs, link: url } = write(notification.facts, say);
  const body = [texts.greeting(account.name), ...paragraphs];
  const footer = unsubscribeUrl === undefined ? [] : ['—', texts.unsubscribe(say), unsubscribeUrl];
  // hono's `html` escapes what is put in, so a name cannot become a tag.
  const footerHtml =
    unsubscribeUrl === undefined
      ? ''
      : html`<hr><p><small>${texts.unsubscribe(say)}</small></p>${link(unsubscribeUrl)}`;
  return {
    subject,
    text: [...body, ...(url === undefined ? [] : [url]), ...footer].join('\n\n'),
    html: `${html`<!doctype html><html lang="${speech.language}"><meta charset="utf-8"><title>${subject}</title><body>${body.map(
      (paragraph) => html`<p>${paragraph}</p>`,
    )}${url === undefined ? '' : link(url)}${footerHtml}</body></html>`}`,
  };
}
