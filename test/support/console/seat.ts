import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page, Route } from 'playwright-core';
import { type TestContext, vi } from 'vitest';
import { checkAccessibility } from './accessibility';
import { Keyboard } from './keyboard';
import { Watch } from './watch';

export interface Account {
  email: string;
  password: string;
}

/** A person at a console of their own, who uses the keyboard alone. */
export class Seat {
  private constructor(
    readonly page: Page,
    readonly keyboard: Keyboard,
    readonly watch: Watch,
  ) {}

  /** Opens a browser window for a person. */
  static async take(browser: Browser, url: string, options: Parameters<Browser['newContext']>[0] = {}): Promise<Seat> {
    const context = await browser.newContext({
      baseURL: url,
      viewport: { width: 1280, height: 800 },
      locale: 'en-GB',
      reducedMotion: 'reduce',
      ...options,
    });
    const page = await context.newPage();
    return new Seat(page, new Keyboard(page, await context.newCDPSession(page)), new Watch(page));
  }

  /** Types an address, or follows a link from elsewhere. */
  async open(path: string): Promise<void> {
    await this.watch.leaving(() => this.page.goto(path));
  }

  /** Fills the sign-in in that is shown. */
  async signIn({ email, password }: Account): Promise<void> {
    await this.keyboard.type(this.page.getByLabel('E-mail address'), email);
    await this.keyboard.type(this.page.getByLabel('Password'), password);
    await this.page.keyboard.press('Enter');
  }

  /** Goes to a section of the navigation. */
  async goTo(section: string): Promise<void> {
    await this.press('link', section, this.page.getByRole('navigation', { name: 'Sections' }));
    await this.heading(section, 1);
  }

  /** Presses a button, or follows a link. */
  async press(role: 'button' | 'link', name: string | RegExp, within: Pick<Page, 'getByRole'> = this.page) {
    await this.keyboard.press(within.getByRole(role, { name, exact: true }));
  }

  /** Waits until a heading is shown. */
  async heading(name: string | RegExp, level = 2): Promise<void> {
    await this.page.getByRole('heading', { name, level, exact: true }).waitFor();
  }

  /** Waits until the page says something, aloud to those who cannot see it. */
  async hears(text: string | RegExp, role: 'status' | 'alert' = 'status'): Promise<void> {
    await this.page.getByRole(role).filter({ hasText: text }).first().waitFor();
  }

  /** Whether the page shows a text. */
  async sees(text: string | RegExp, within: Pick<Page, 'getByText'> = this.page): Promise<void> {
    await within.getByText(text).first().waitFor();
  }

  /** Reads what the screen shows again, now and not in some seconds. */
  async readAgain(): Promise<void> {
    await this.press('button', 'Read again');
  }

  /** Holds back what the API answers to reads of an address while `work` runs: the screen stays as it is. */
  async withoutNews(path: string, work: () => Promise<unknown>): Promise<void> {
    const held: Route[] = [];
    const isOver = { value: false };
    const hold = async (route: Route) => {
      if (isOver.value || route.request().method() !== 'GET') await route.fallback();
      else held.push(route);
    };
    await this.page.route(path, hold);
    // What was sent before may still bring news.
    await vi.waitUntil(() => this.watch.openReads(path) <= held.length, { timeout: 60_000, interval: 20 });
    await work();
    isOver.value = true;
    for (const route of held) await route.fallback();
    await this.page.unroute(path, hold);
  }

  /** Takes the network away while `work` runs. */
  async withoutNetwork(work: () => Promise<unknown>): Promise<void> {
    const context = this.page.context();
    await this.watch.offline(async () => {
      await context.setOffline(true);
      await work().finally(() => context.setOffline(false));
    });
  }

  /** Lets time pass until the access token of the page has expired: the API refuses it, and not the next one. */
  async expireAccess(): Promise<void> {
    let expired: string | undefined;
    await this.page.route('/v1/**', async (route) => {
      const headers = await route.request().allHeaders();
      expired ??= headers.authorization;
      if (expired === undefined || headers.authorization !== expired) return route.fallback();
      await route.fallback({ headers: { ...headers, authorization: 'Bearer expired' } });
    });
  }

  /** Compares the screen with WCAG 2.2 AA. */
  checkAccessibility(): Promise<void> {
    return checkAccessibility(this.page);
  }

  /** Ends a test: fails if something went wrong that it has not declared. A test that failed leaves a picture. */
  async endTest({ task }: Pick<TestContext, 'task'>): Promise<void> {
    if (task.result?.state === 'fail') {
      const path = join(tmpdir(), `console-${task.name.replaceAll(/\W+/g, '-').slice(0, 60)}.png`);
      await this.page.screenshot({ path, fullPage: true });
      console.log(`The page when it failed: ${path} (${this.page.url()})`);
    }
    this.watch.expectSilence();
  }

  /** Leaves, and fails if something went wrong that nobody has declared. */
  async leave(): Promise<void> {
    await this.page.context().close();
    this.watch.expectSilence();
  }
}
