import type { Browser, Page } from 'playwright-core';
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

  /** Compares the screen with WCAG 2.2 AA. */
  checkAccessibility(): Promise<void> {
    return checkAccessibility(this.page);
  }

  /** Leaves, and fails if something went wrong that nobody has declared. */
  async leave(): Promise<void> {
    await this.page.context().close();
    this.watch.expectSilence();
  }
}
