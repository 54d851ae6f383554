// The e-mails of the day, as `npm run dev` prints them, and the links that people follow in them.
import { setTimeout as wait } from 'node:timers/promises';
import type { Client } from '../../src/client';
import { type PrintedEmail, readPrintedEmails } from '../dev-emails';
import { isOwnDev, url } from '../local';
import type { Person } from './day';

/** Longer than a slow machine needs for an e-mail. */
const patienceMs = 30_000;
export const pollMs = 100;

export interface Post {
  /** The first e-mail to an address that fits; undefined if none can be seen here, or none came. */
  await(address: string, fits: (email: PrintedEmail) => boolean): Promise<PrintedEmail | undefined>;
  /** The e-mails to some people so far, when all of them are sent. */
  all(admin: Client, people: readonly Person[]): Promise<PrintedEmail[]>;
}

/**
 * The post can be read where the API is the `npm run dev` of this folder, which keeps what it prints. Elsewhere e-mails go to
 * their recipients, as they should.
 */
export function createPost(): Post {
  let isReadable = isOwnDev();
  return {
    async await(address, fits) {
      const deadline = performance.now() + patienceMs;
      while (isReadable) {
        const found = readPrintedEmails().find((printed) => printed.to === address && fits(printed));
        if (found) return found;
        // An SMTP server of .dev.vars gets the e-mails, so nothing is printed: nobody waits for the next one.
        if (performance.now() > deadline) isReadable = false;
        await wait(pollMs);
      }
      return undefined;
    },
    async all({ api }, people) {
      const query = { subscription: 'emails', limit: 1 } as const;
      while ((await (await api.operations.deliveries.$get({ query })).json()).data.length > 0) await wait(pollMs);
      const addresses = new Set(people.map(({ email }) => email));
      return readPrintedEmails().filter(({ to }) => addresses.has(to));
    },
  };
}

/** The secret of a link, which stands in its fragment, so that no server's log receives it. */
export const tokenIn = ({ text }: PrintedEmail): string | undefined => /#token=(\S+)/.exec(text)?.[1];

/** The link that ends the e-mails of an account. It leads to `PUBLIC_URL`, which is the same API; its path is enough here. */
export function unsubscribeLinkIn({ text }: PrintedEmail): string | undefined {
  const [link] = /https?:\S+\/unsubscribe\?\S+/.exec(text) ?? [];
  if (link === undefined) return undefined;
  const { pathname, search } = new URL(link);
  return `${pathname}${search}`;
}

/** Ends the e-mails of an account with a link, as a mail program does it with one click (RFC 8058). */
export async function unsubscribe(email: PrintedEmail): Promise<boolean> {
  const link = unsubscribeLinkIn(email);
  if (link === undefined) return false;
  const body = new URLSearchParams({ 'List-Unsubscribe': 'One-Click' });
  return (await fetch(`${url}${link}`, { method: 'POST', body })).ok;
}
