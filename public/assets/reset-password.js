// The page to which the link of a password reset e-mail leads. It has two forms: one for a new password, and one for a
// new link, for people whose link is used up or expired.

import { find, newKey, post, takeToken } from './page-tools.js';

const start = find('start', HTMLElement);
const news = find('news', HTMLElement);
const problem = find('problem', HTMLElement);
const passwordForm = find('new-password', HTMLFormElement);
const linkForm = find('new-link', HTMLFormElement);
const password = find('password', HTMLInputElement);
const email = find('email', HTMLInputElement);
const show = find('show', HTMLInputElement);

const texts = {
  noLink: 'This page sets a new password with a link that you get by e-mail. Enter your address to get one.',
  badLink: 'This link has been used already, or it has expired. Enter your address to get a new one.',
  limited: 'There were too many attempts. Please wait a minute, and try again.',
  unavailable: 'The shop did not answer. Please try again in a few seconds.',
  done: 'Your new password is set. You can sign in with it now; all devices have been signed out.',
  sent: 'If there is an account with this address, an e-mail with a link is on its way. If none arrives within five minutes, ask again.',
};

/** The secret of the link; empty without one. */
let token = '';
/** One attempt with this link has one effect, also when its answer was lost and the form is sent again. */
let key = '';

/**
 * Shows one form or none, and one text or none: a hint at the start, good news, or a problem.
 * @param {{ form?: HTMLFormElement, hint?: string, good?: string, bad?: string }} state
 */
function display({ form, hint = '', good = '', bad = '' }) {
  for (const candidate of [passwordForm, linkForm]) candidate.hidden = candidate !== form;
  start.textContent = hint;
  start.hidden = hint === '';
  news.textContent = good;
  problem.textContent = bad;
}

function readLink() {
  token = takeToken();
  key = newKey();
  display(token === '' ? { form: linkForm, hint: texts.noLink } : { form: passwordForm });
  (token === '' ? email : password).focus();
}

/**
 * What a refusal means for the person in front of the page.
 * @param {Awaited<ReturnType<typeof post>>} refusal
 * @param {string} field how the text names the input
 */
function explain({ status, detail, errors }, field) {
  if (status === 429) return texts.limited;
  if (status >= 500) return texts.unavailable;
  const [wrong] = errors ?? [];
  return wrong ? `${field} ${wrong.detail}.` : (detail ?? texts.unavailable);
}

/**
 * Sends a form once, however often its button is pressed meanwhile.
 * @param {HTMLFormElement} form
 * @param {() => Promise<void>} send
 */
function onSubmit(form, send) {
  const button = form.querySelector('button');
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (button?.disabled) return;
    button?.toggleAttribute('disabled', true);
    display({ form });
    await send();
    button?.toggleAttribute('disabled', false);
  });
}

onSubmit(passwordForm, async () => {
  const refusal = await post('/v1/auth/password-reset/confirm', { token, password: password.value }, key);
  const isBadLink =
    refusal.code === 'auth.invalid-reset-token' || refusal.errors?.some(({ pointer }) => pointer === '/token');
  if (refusal.status < 300) {
    password.value = '';
    display({ good: texts.done });
    news.focus();
  } else if (isBadLink) {
    display({ form: linkForm, bad: texts.badLink });
    email.focus();
  } else {
    display({ form: passwordForm, bad: explain(refusal, 'The password') });
    password.focus();
  }
});

onSubmit(linkForm, async () => {
  const refusal = await post('/v1/auth/password-reset', { email: email.value }, key);
  const isSent = refusal.status < 300;
  display(isSent ? { good: texts.sent } : { form: linkForm, bad: explain(refusal, 'The address') });
  if (isSent) news.focus();
  else email.focus();
});

show.addEventListener('change', () => {
  password.type = show.checked ? 'text' : 'password';
});

// Somebody pastes another link into the same window, which does not load the page again.
addEventListener('hashchange', readLink);
find('no-script', HTMLElement).hidden = true;
readLink();
