import { Hono } from 'hono';
import { html } from 'hono/html';
import type { AppEnv } from '../http/context';
import { renderPage } from '../http/page';
import { passwordLength } from '../platform/password-schemas';

/** `public/assets/reset-password.js` shows one of the two forms, and says what happens in one of the two messages. */
const resetPasswordPage = (brand: string) =>
  renderPage({
    title: `Set a new password · ${brand}`,
    modules: ['/assets/reset-password.js'],
    body: html`<main>
      <p class="brand">${brand}</p>
      <h1>Set a new password</h1>
      <p id="no-script">
        This page needs JavaScript, which did not run in your browser. Please allow it for this page, and open the link in the
        e-mail again.
      </p>
      <p id="start" class="hint" hidden></p>
      <p id="news" role="status" tabindex="-1"></p>
      <p id="problem" role="alert"></p>
      <form id="new-password" hidden>
        <label for="password">New password</label>
        <input id="password" type="password" autocomplete="new-password" required minlength="${passwordLength.min}"
          maxlength="${passwordLength.max}" aria-describedby="password-rule">
        <p id="password-rule" class="hint">At least ${passwordLength.min} characters. A few words in a row are fine.</p>
        <label class="choice"><input id="show" type="checkbox"> Show the password</label>
        <button>Set the password</button>
      </form>
      <form id="new-link" hidden>
        <label for="email">E-mail address of your account</label>
        <input id="email" type="email" autocomplete="email" required maxlength="254" aria-describedby="start">
        <button>Send me a link</button>
      </form>
    </main>`,
  });

/** The pages that e-mails lead to. */
export const authPages = new Hono<AppEnv>().get('/reset-password', (c) => c.html(resetPasswordPage(c.var.http.brand)));
