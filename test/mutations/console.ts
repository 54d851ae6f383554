import { e2e, type Mutation, only, unit } from './mutation';

/** A test of the console, by the beginning of its name. */
const day = (name: string) => only(name, e2e('console'));

/** What people see at /console, and what a browser says about it. */
export const webConsole: readonly Mutation[] = [
  {
    name: 'a tab goes on in the name of whoever has signed in by another tab',
    file: 'console/src/session.ts',
    find: 'isFor(renewed.accessToken, current.person)',
    replace: 'renewed.accessToken',
    noticedBy: only('somebody else has signed in', unit('console-session')),
  },
  {
    name: 'a screen writes an error to the console of the browser',
    file: 'console/src/title.ts',
    find: 'document.title = all;',
    replace: 'document.title = all;\n    console.error(all);',
    noticedBy: day('keeps an internal note'),
  },
  {
    name: 'a screen asks for something that the policy of the page forbids',
    file: 'console/src/title.ts',
    find: 'document.title = all;',
    replace: "document.title = all;\n    new Image().src = 'https://example.com/';",
    noticedBy: day('keeps an internal note'),
  },
  {
    name: 'a response is left unread, which the browser counts as a request that failed',
    file: 'console/src/newer-version.ts',
    find: '  await response?.text();',
    replace: '',
    noticedBy: day('two agents on one ticket'),
  },
  {
    name: 'a field has no label',
    file: 'console/src/screens/item/form.tsx',
    find: '<label for={`${id}-${name}`}>',
    replace: '<label>',
    noticedBy: day('edits an item'),
  },
  {
    name: 'the key Tab does not lead out of a text',
    file: 'console/src/screens/ticket/composer.tsx',
    find: '        rows={6}',
    replace: "        rows={6}\n        onKeyDown={(event) => event.key === 'Tab' && event.preventDefault()}",
    noticedBy: day('keeps an internal note'),
  },
  {
    name: 'nobody sees that the focus is in a long text',
    file: 'console/src/styles/base.css',
    find: '\n:focus-visible {\n',
    replace: '\ntextarea:focus { outline: none; }\n\n:focus-visible {\n',
    noticedBy: day('keeps an internal note'),
  },
  {
    name: 'quiet texts are hard to read on a dark ground',
    file: 'console/src/styles/base.css',
    find: '--quiet: light-dark(#545b64, #a7afb9);',
    replace: '--quiet: light-dark(#545b64, #545b64);',
    noticedBy: day('keeps an internal note'),
  },
  {
    name: 'a long id is wider than a narrow window',
    file: 'console/src/styles/base.css',
    find: '  font-size: var(--small);\n  overflow-wrap: anywhere;',
    replace: '  font-size: var(--small);\n  white-space: nowrap;',
    noticedBy: day('projects a document now'),
  },
  {
    name: 'a reload loses what was typed',
    file: 'console/src/drafts.ts',
    find: "useSignal(sessionStorage.getItem(key) ?? '')",
    replace: "useSignal('')",
    noticedBy: day('keeps an internal note'),
  },
  {
    name: 'a change overwrites what a colleague changed meanwhile',
    file: 'console/src/screens/ticket/use-ticket.ts',
    find: "request({ 'If-Match': tag })",
    replace: 'request({})',
    noticedBy: day('two agents on one ticket'),
  },
  {
    name: 'a reply is sent past the reply of a colleague',
    file: 'console/src/screens/ticket/use-ticket.ts',
    find: 'if (changesBetween(shown, ticket).length > 0) {',
    replace: 'if (changesBetween(shown, ticket).length > 9) {',
    noticedBy: day('two agents on one ticket'),
  },
  {
    name: 'nothing says that there is no network',
    file: 'console/src/parts/notices.tsx',
    find: '{!isOnline.value && ',
    replace: '{false && ',
    noticedBy: day('without a network'),
  },
  {
    name: 'nobody is asked to sign in again when the session has ended',
    file: 'console/src/app.tsx',
    find: '{session.value.hasEnded && <SignInAgain />}',
    replace: '{false && <SignInAgain />}',
    noticedBy: day('an access token that expires'),
  },
  {
    name: 'agents see the sections of operators',
    file: 'console/src/parts/frame.tsx',
    find: 'isAdmin.value || !isForAdmins);',
    replace: 'isAdmin.value || !isForAdmins || true);',
    noticedBy: day('signs in as the demo prints'),
  },
  {
    name: 'the item that somebody else changed is overwritten',
    file: 'console/src/screens/item/use-item.ts',
    find: 'refused.value ? ifMatch(read) : kept.headers',
    replace: 'refused.value ? ifMatch(read) : {}',
    noticedBy: day('edits an item'),
  },
  {
    name: 'another language takes effect only after a reload',
    file: 'console/src/screens/me/settings.tsx',
    find: 'if (read.data.value) useLanguageOf(read.data.value);',
    replace: 'void read.data.value;',
    noticedBy: day('makes a key'),
  },
];
