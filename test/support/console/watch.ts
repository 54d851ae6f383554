import type { Page, Request, Response } from 'playwright-core';
import { expect, vi } from 'vitest';

/** A refusal that a test expects, such as `412 POST /v1/items/1`. */
export type Declared = `${number} ${string}`;

/** The browser's own words for a response that is a refusal, or for none; the events of the page say more about both. */
const aboutResponses = /^Failed to load resource: (?:the server responded with a status of|net::)/;

/** Whether a refusal is the one that was declared; `*` is one part of a path, and `**` is any number of them. */
const matches = (declared: Declared, said: string) =>
  new RegExp(`^${declared.replaceAll(/\*+/g, (stars) => (stars === '*' ? '[^/]+' : '.+'))}$`).test(said);

/** Collects what goes wrong in a page: everything that nobody has declared fails the test. */
export class Watch {
  readonly #complaints: string[] = [];
  readonly #declared = new Map<Declared, number>();
  /** Requests without an answer. */
  readonly #open = new Set<Request>();
  #isOffline = false;
  #isLeaving = false;

  constructor(page: Page) {
    page.on('console', (message) => {
      if (message.type() === 'error' && !aboutResponses.test(message.text())) this.#complain(message.text());
    });
    page.on('pageerror', ({ message }) => this.#complain(`an exception that nothing catches: ${message}`));
    page.on('crash', () => this.#complain('The page has crashed.'));
    page.on('request', (request) => this.#open.add(request));
    page.on('requestfinished', (request) => this.#open.delete(request));
    page.on('requestfailed', (request) => this.#open.delete(request) && this.#fail(request));
    page.on('response', (response) => response.status() >= 400 && this.#refuse(response));
  }

  #complain(text: string): void {
    this.#complaints.push(text);
  }

  #fail(request: Request): void {
    const reason = request.failure()?.errorText ?? 'failed';
    if (this.#isOffline && reason === 'net::ERR_INTERNET_DISCONNECTED') return;
    // Whoever leaves a page does not wait for its answers.
    if (this.#isLeaving && reason === 'net::ERR_ABORTED') return;
    this.#complain(`${request.method()} ${request.url()}: ${reason}`);
  }

  #refuse(response: Response): void {
    const said = `${response.status()} ${response.request().method()} ${new URL(response.url()).pathname}`;
    const declared = [...this.#declared.keys()].find((one) => matches(one, said));
    if (declared === undefined) this.#complain(said);
    else this.#declared.set(declared, (this.#declared.get(declared) ?? 0) + 1);
  }

  /** How many reads of an address have no answer yet. */
  openReads(path: string): number {
    return [...this.#open].filter((one) => one.method() === 'GET' && new URL(one.url()).pathname === path).length;
  }

  /** Lets the API refuse something that `work` does, and until the end of the test; it must do so at least once. */
  async refused(declared: Declared, work: () => Promise<unknown>): Promise<void> {
    this.#declared.set(declared, 0);
    await work();
    await vi.waitUntil(() => this.#declared.get(declared) !== 0, { timeout: 30_000, interval: 20 });
  }

  /** Lets the API refuse something until the end of the test: a read that is on its way may come after a command. */
  mayRefuse(declared: Declared): void {
    this.#declared.set(declared, 0);
  }

  /** Lets requests fail for want of a network while `work` runs. */
  async offline(work: () => Promise<unknown>): Promise<void> {
    this.#isOffline = true;
    await work().finally(() => {
      this.#isOffline = false;
    });
  }

  /** Lets requests be given up while another page is loaded. */
  async leaving(work: () => Promise<unknown>): Promise<void> {
    this.#isLeaving = true;
    await work().finally(() => {
      this.#isLeaving = false;
    });
  }

  /** Ends a test: fails if something went wrong that it has not declared. */
  expectSilence(): void {
    this.#declared.clear();
    expect(this.#complaints.splice(0)).toEqual([]);
  }
}
