import { resolve } from 'node:path';
import type { Browser } from 'playwright-core';
import { vi } from 'vitest';
import { type Client, createClient } from '../../../src/client';
import { startBrowser } from '../chromium';
import { address } from '../factories';
import { runScript } from '../run-script';
import { type Account, Seat } from './seat';
import { admin, type Server, startServer } from './server';

/** Somebody of the shop, with a client of their own. */
export interface Somebody extends Account {
  id: string;
  name: string;
  client: Client;
}

/** Resolves when a condition holds. */
export const until = (holds: () => Promise<boolean>) => vi.waitUntil(holds, { timeout: 60_000, interval: 50 });

/** The accounts in the table at the end of the demo, by their roles. */
function readPrinted(output: string): Map<string, Account> {
  const rows = output.matchAll(/^ {2}(admin|agent|seller|customer) {2,}\S.*? {2,}(\S+@\S+) {2,}(\S.*)$/gm);
  return new Map([...rows].map(([, role = '', email = '', password = '']) => [role, { email, password }]));
}

/** The demo on the server; returns whom it prints. */
async function runDemo(url: string, options: readonly string[]): Promise<(role: string) => Account> {
  const env = { FRONTDESK_URL: url, FIRST_ADMIN_EMAIL: admin.email, FIRST_ADMIN_PASSWORD: admin.password };
  const { code, output } = await runScript('scripts/demo.ts', options, resolve('.'), env);
  const printed = readPrinted(output);
  return (role) => {
    const account = printed.get(role);
    if (code !== 0 || !account) throw new Error(`The demo prints nobody who can sign in as ${role}:\n${output}`);
    return account;
  };
}

/** The shop after a demo, with the people of the day, and a browser. */
export class Day {
  private constructor(
    readonly server: Server,
    readonly browser: Browser,
    readonly agent: Somebody,
    readonly colleague: Somebody,
    readonly customer: Somebody,
    readonly admin: Somebody,
  ) {}

  /** @param demo the options of `npm run demo` */
  static async begin(demo: readonly string[] = ['--customers', '2', '--orders', '1']): Promise<Day> {
    const [server, browser] = await Promise.all([startServer(), startBrowser()]);
    const printed = await runDemo(server.url, demo);
    const signIn = async (account: Account): Promise<Somebody> => {
      const client = createClient(server.url);
      await client.signIn(account.email, account.password);
      const { id, name } = await (await client.api.users.me.$get()).json();
      return { ...account, id, name, client };
    };
    const people = ['agent', 'seller', 'customer', 'admin'].map((role) => signIn(printed(role)));
    const [agent, colleague, customer, boss] = await Promise.all(people);
    if (!agent || !colleague || !customer || !boss) throw new Error('Somebody is missing.');
    return new Day(server, browser, agent, colleague, customer, boss);
  }

  /** Gives somebody a window of their own. */
  sit(options?: Parameters<typeof Seat.take>[2]): Promise<Seat> {
    return Seat.take(this.browser, this.server.url, options);
  }

  /** Gives somebody a window in which they are signed in. */
  async sitAs(person: Account): Promise<Seat> {
    const seat = await this.sit();
    await seat.open('/console');
    await seat.signIn(person);
    await seat.heading('Overview', 1);
    return seat;
  }

  /** Opens a ticket of the customer, and resolves to its id when it is in the lists. */
  async openTicket(subject: string): Promise<string> {
    const json = { subject, message: 'Please have a look.' };
    const { id } = await (await this.customer.client.api.tickets.$post({ json })).json();
    const { api } = this.colleague.client;
    await until(async () => (await (await api.tickets.$get({ query: {} })).json()).data.some((row) => row.id === id));
    return id;
  }

  /** Registers a customer who has a session and an API key. */
  async join(name: string, email: string): Promise<Somebody> {
    const client = createClient(this.server.url);
    const password = 'correct horse battery';
    const { id } = await (await client.api.users.$post({ json: { name, email, password } })).json();
    await client.signIn(email, password);
    await client.api['api-keys'].$post({ json: { name: 'Shopping list', scopes: ['orders:read'] } });
    return { id, name, email, password, client };
  }

  /** Puts an item of the seller up for sale, and resolves to its id. */
  async createItem(title: string, stock: number): Promise<string> {
    const json = { title, price: { amount: 2450, currency: 'EUR' }, stock };
    return (await (await this.colleague.client.api.items.$post({ json })).json()).id;
  }

  /** Places an order of the customer. */
  async placeOrder(itemId: string, quantity: number): Promise<{ id: string; number: number }> {
    const { api } = this.customer.client;
    const json = { items: [{ itemId, quantity }], shippingAddress: address };
    const { id } = await (await api.orders.$post({ json })).json();
    const { number } = await (await api.orders[':id'].$get({ param: { id } })).json();
    return { id, number };
  }

  /** What the database has of a ticket; documents may be older. */
  async storedTicket(id: string): Promise<{ status: string | undefined; replies: string[]; notes: string[] }> {
    const { database } = this.server;
    const texts = async (table: 'ticket_replies' | 'ticket_notes', column: 'message' | 'note') => {
      const query = database.prepare(`SELECT ${column} AS text FROM ${table} WHERE ticket_id = ? ORDER BY created_at`);
      return (await query.bind(id).all<{ text: string }>()).results.map(({ text }) => text);
    };
    const status = await database.prepare('SELECT status FROM tickets WHERE id = ?').bind(id).first<string>('status');
    return {
      status: status ?? undefined,
      replies: await texts('ticket_replies', 'message'),
      notes: await texts('ticket_notes', 'note'),
    };
  }

  async end(): Promise<void> {
    await this.browser.close();
    await this.server.close();
  }
}
