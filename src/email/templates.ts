import { html } from 'hono/html';
import type { Recipient } from './recipient';

/** The content of an e-mail, without its recipient. */
export interface EmailContent {
  subject: string;
  text: string;
  html: string;
}

/** Makes the text and the HTML of an e-mail; hono's `html` escapes texts that people have typed. */
function composeEmail(subject: string, paragraphs: readonly string[], link?: string): EmailContent {
  const body = paragraphs.map((paragraph) => html`<p>${paragraph}</p>`);
  const anchor = link === undefined ? '' : html`<p><a href="${link}">${link}</a></p>`;
  return {
    subject,
    text: [...paragraphs, ...(link === undefined ? [] : [link])].join('\n\n'),
    html: `${html`<!doctype html><html lang="en"><meta charset="utf-8"><title>${subject}</title><body>${body}${anchor}</body></html>`}`,
  };
}

type Greeted = Pick<Recipient, 'name'>;

/** What the e-mails of every shop differ in. */
interface Sender {
  /** The name of the shop. */
  brand: string;
}

const greeting = ({ name }: Greeted) => (name === undefined ? 'Hello,' : `Hello ${name},`);

export function welcomeEmail(about: Greeted & Sender): EmailContent {
  return composeEmail(`Welcome to ${about.brand}`, [
    greeting(about),
    'your account is ready. You can sign in with your e-mail address and your password.',
    'If you did not expect this message, please ignore it.',
  ]);
}

export function passwordResetEmail(about: Greeted & Sender & { link: string; validMinutes: number }): EmailContent {
  return composeEmail(
    `Reset your password at ${about.brand}`,
    [
      greeting(about),
      `somebody asked to reset the password of your account at ${about.brand}. If it was not you, ignore this message: your password stays as it is. If it was you, use this link within ${about.validMinutes} minutes:`,
    ],
    about.link,
  );
}
