import { type Context, Hono } from 'hono';
import { html } from 'hono/html';
import type { AccessRules } from '../http/access';
import { ignoreConditions, type RouteEnv } from '../http/context';
import { renderPage } from '../http/page';
import { limitPage } from '../http/rate-limits';
import { textsFor } from '../notifications/email';
import { speechFor } from '../notifications/language';
import { createUnsubscribeLinks, unsubscribePath } from '../notifications/unsubscribe-links';
import type { UserCommands } from './commands';

type PageEnv = RouteEnv<UserCommands, object>;

/** What a link of an e-mail says: whether this API made it, and in which language its page is. */
function readLink(c: Context<PageEnv>) {
  const { keyedHashes, publicUrl } = c.var.http;
  const token = c.req.query('token') ?? '';
  const { language } = speechFor(c.req.query('lang') ?? '');
  return { token, language, isOurs: createUnsubscribeLinks(keyedHashes, publicUrl).userIdOf(token) !== undefined };
}

type Link = ReturnType<typeof readLink>;

/** @param part what the page says beneath its heading */
function unsubscribePage(c: Context<PageEnv>, { language }: Link, part: (brand: string) => ReturnType<typeof html>) {
  const { brand } = c.var.http;
  const { title } = textsFor(language).unsubscribing;
  return renderPage({
    language,
    title: `${title} · ${brand}`,
    body: html`<main>
      <p class="brand">${brand}</p>
      <h1>${title}</h1>
      ${part(brand)}
    </main>`,
  });
}

function refuseLink(c: Context<PageEnv>, link: Link) {
  const { invalid } = textsFor(link.language).unsubscribing;
  return c.html(
    unsubscribePage(c, link, () => html`<p role="alert">${invalid}</p>`),
    400,
  );
}

/**
 * The page to which the last link of an e-mail leads, and the address to which mail programs send a POST for a click
 * (RFC 8058). Only the POST changes something, because programs that look for malware follow every link. Neither says
 * whether the account exists, and nothing of the body is needed.
 */
export const userPages = new Hono<PageEnv>()
  .get(unsubscribePath, (c) => {
    const link = readLink(c);
    if (!link.isOurs) return refuseLink(c, link);
    const { button, question } = textsFor(link.language).unsubscribing;
    // The form has no address, so it is sent to that of the page.
    const form = (brand: string) => html`<p>${question(brand)}</p>
      <form method="post"><button name="List-Unsubscribe" value="One-Click">${button}</button></form>`;
    return c.html(unsubscribePage(c, link, form));
  })
  .post(unsubscribePath, ignoreConditions, async (c) => {
    await limitPage(c);
    const link = readLink(c);
    if (!link.isOurs) return refuseLink(c, link);
    await c.var.commands.Unsubscribe({ token: link.token });
    const { done } = textsFor(link.language).unsubscribing;
    return c.html(unsubscribePage(c, link, (brand) => html`<p role="status">${done(brand)}</p>`));
  });

/** Whom each page serves. */
export const userPageAccess: AccessRules<typeof userPages> = {
  'GET /unsubscribe': 'everybody',
  'POST /unsubscribe': 'everybody',
};
