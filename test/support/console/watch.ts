import type { Page, Request, Response } from 'playwright-core';
import { expect } from 'vitest';

/** A refusal that a test expects: `412 POST /v1/tickets/*\/status`, where `*` is one part of the path. */
export type Declared = `${number} ${'GET' | 'POST' | 'PATCH' | 'DELETE'} /${string}`;

/** The browser's own words for a response that is a refusal, or for none; the events of the page say more about both. */
const aboutResponses = /^Failed to load resource: (?:the server responded with a status of|net::)/;

/** Collects what goes wrong in a page: everything that nobody has declared fails the test. */
export class Watch {
  readonly #complaints: string[] = [];
  readonly #declared = new Map<Declared, number>();
  #isOffline = false;
  #isLeaving = false;

  constructor(page: Page) {
    page.on('console', (message) => {
      if (message.type() === 'error' && !aboutResponses.test(message.text())) this.#complain(message.text());
    });
    page.on('pageerror', ({ message }) => this.#complain(`an exception that nothing catches: ${message}`));
    page.on('crash', () => this.#complain('The page has crashed.'));
    page.on('requestfailed', (request) => this.#fail(request));
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
    const declared = [...this.#declared.keys()].find((one) =>
      new RegExp(`^${one.replaceAll('*', '[^/]+')}$`).test(said),
    );
    if (declared === undefined) this.#complain(said);
    else this.#declared.set(declared, (this.#declared.get(declared) ?? 0) + 1);
  }

  /** Lets the API refuse something while `work` runs; it must do so at least once. */
  async refused(declared: Declared, work: () => Promise<unknown>): Promise<void> {
    this.#declared.set(declared, 0);
    await work();
    const times = this.#declared.get(declared);
    this.#declared.delete(declared);
    expect(times, `the API says ${declared}`).toBeGreaterThan(0);
  }

  /** Lets requests fail for want of a network while `work` runs. */
  async offline(work: () => Promise<unknown>): Promise<void> {
    this.#isOffline = true;
    await work();
    this.#isOffline = false;
  }

  /** Lets requests be given up while another page is loaded. */
  async leaving(work: () => Promise<unknown>): Promise<void> {
    this.#isLeaving = true;
    await work();
    this.#isLeaving = false;
  }

  /** Fails if something went wrong since the last time. */
  expectSilence(): void {
    expect(this.#complaints.splice(0)).toEqual([]);
  }
}
