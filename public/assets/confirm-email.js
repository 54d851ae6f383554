// The page to which a link leads that confirms an e-mail address. Its texts are in the page, in the language of the browser.

import { find, newKey, post, takeToken } from './page-tools.js';

const news = find('news', HTMLElement);
const problem = find('problem', HTMLElement);
const form = find('confirm', HTMLFormElement);
const button = find('confirm', HTMLFormElement).querySelector('button');

/** The secret of the link; empty without one. */
let token = '';
/** One attempt with this link has one effect, also when its answer was lost and the form is sent again. */
let key = '';

/** @param {string} name of a text of the page; empty for none */
const textOf = (name) => (name === '' ? '' : find(`text-${name}`, HTMLElement).textContent);

/**
 * Shows the form or not, and one text or none: good news, or a problem.
 * @param {{ hasForm?: boolean, good?: string, bad?: string }} state
 */
function display({ hasForm = false, good = '', bad = '' }) {
  form.hidden = !hasForm;
  news.textContent = textOf(good);
  problem.textContent = textOf(bad);
  if (hasForm) button?.focus();
  else (good === '' ? problem : news).focus();
}

function readLink() {
  token = takeToken();
  key = newKey();
  display(token === '' ? { good: 'none' } : { hasForm: true });
}

/** @param {Awaited<ReturnType<typeof post>>} answer */
function show({ code, status }) {
  if (status < 300) display({ good: 'done' });
  else if (code === 'users.confirmation-used') display({ good: 'used' });
  else if (code === 'users.email-taken') display({ bad: 'taken' });
  else if (status === 429) display({ hasForm: true, bad: 'limited' });
  else if (status >= 500) display({ hasForm: true, bad: 'unavailable' });
  else display({ bad: 'ended' });
}

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  if (button?.disabled) return;
  button?.toggleAttribute('disabled', true);
  const answer = await post('/v1/auth/email-confirmation/confirm', { token }, key);
  button?.toggleAttribute('disabled', false);
  show(answer);
});

// Somebody pastes another link into the same window, which does not load the page again.
addEventListener('hashchange', () => {
  if (location.hash !== '') readLink();
});
find('no-script', HTMLElement).hidden = true;
readLink();
