import { html } from 'hono/html';

/** What an e-mail says, without whom it goes to. */
export interface EmailContent {
  subject: string;
  text: string;
  html: string;
}

/** Both forms of one letter; hono's `html` escapes whatever a person has typed. */
function letter(subject: string, paragraphs: readonly string[], link?: string): EmailContent {
  const body = paragraphs.map((paragraph) => html`<p>${paragraph}</p>`);
  const anchor = link === undefined ? '' : html`<p><a href="${link}">${link}</a></p>`;
  return {
    subject,
    text: [...paragraphs, ...(link === undefined ? [] : [link])].join('\n\n'),
    html: `${html`<!doctype html><html lang="en"><meta charset="utf-8"><title>${subject}</title><body>${body}${anchor}</body></html>`}`,
  };
}

export function welcomeEmail({ name }: { name: string }): EmailContent {
  return letter('Welcome to Frontdesk', [
    `Hello ${name},`,
    'your account is ready. You can sign in with your e-mail address and the password you chose.',
    'If you did not register, please ignore this message.',
  ]);
}

export function passwordResetEmail(about: { name: string; link: string; validMinutes: number }): EmailContent {
  return letter(
    'Reset your password',
    [
      `Hello ${about.name},`,
      `somebody asked to reset the password of your account. If it was you, use this link within ${about.validMinutes} minutes:`,
    ],
    about.link,
  );
}
