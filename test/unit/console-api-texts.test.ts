import { describe, expect, test } from 'vitest';
import { german } from '../../console/src/texts/api';
import { errorCatalogue } from '../../src/domains';
import { issueCodes } from '../../src/operations/schemas';

/** What only programs, and pages of the API that have texts of their own, can meet: these stay in English. */
const notInConsole = [
  ...['api-keys.no-service-account', 'auth.insufficient-scope', 'auth.invalid-client', 'auth.invalid-grant'],
  ...['auth.invalid-key', 'auth.invalid-reset-token', 'auth.invalid-scope', 'auth.invalid-token-request'],
  ...['auth.key-not-allowed', 'auth.refresh-raced', 'auth.unsupported-grant-type', 'event-schemas.not-found'],
  ...['events.other-epoch', 'events.unknown-position', 'events.unknown-type', 'events.unreadable'],
  ...[
    'exports.unreadable-event',
    'http.invalid-body',
    'http.invalid-consistency-token',
    'http.invalid-idempotency-key',
  ],
  ...['http.method-not-allowed', 'http.unsupported-content-encoding', 'http.unsupported-media-type'],
  ...['orders.item-unavailable', 'orders.mixed-currencies', 'orders.out-of-stock', 'tickets.unknown-customer'],
  ...['tickets.unknown-order', 'users.confirmation-ended', 'users.confirmation-used', 'users.email-confirmed'],
  ...['users.email-taken', 'users.invalid-confirmation', 'users.password-required', 'users.wrong-password'],
];

/** The details of each issue, and of those with another sentence. */
const ofIssues: Readonly<Record<string, readonly string[]>> = {
  'd1-unreachable': [],
  'kv-unreachable': [],
  'deliveries-late': ['subscription', 'seconds'],
  'projections-slow': ['seconds', 'targetSeconds'],
  'projections-slow.view': ['seconds', 'view', 'targetSeconds'],
  'dead-letters': ['count'],
  'dead-letters.isMore': ['count'],
  'erasures-stalled': ['seconds'],
};

const problems = new Map(errorCatalogue.map((error) => [error.code as string, error]));

/** The details that the API's own text of a problem uses. */
function detailsOf(code: string): string[] {
  const names: string[] = [];
  const anything: object = new Proxy(() => anything, {
    get: (_, name) => (name === Symbol.toPrimitive ? () => 'x' : anything),
  });
  const details = new Proxy({}, { get: (_, name) => names.push(String(name)) && anything });
  const error = problems.get(code) as ((details: object) => unknown) | undefined;
  error?.(details);
  return names;
}

const placeholdersOf = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);

describe('what the console says in German for the API (product 13.10)', () => {
  const isOfIssue = (code: string) => code in ofIssues || code.endsWith('.remedy');

  test('is known for each issue of the readiness check, and what to do about it', () => {
    const expected = [...Object.keys(ofIssues), ...issueCodes.map((code) => `${code}.remedy`)];
    expect(Object.keys(german).filter(isOfIssue).sort()).toEqual(expected.sort());
    for (const issue of issueCodes) expect(Object.keys(ofIssues)).toContain(issue);
    for (const [code, details] of Object.entries(ofIssues))
      expect(placeholdersOf(german[code] ?? '').sort(), code).toEqual([...details].sort());
  });

  test('is known for each problem that somebody can meet in the console, and for no other code', () => {
    const codes = Object.keys(german).filter((code) => !isOfIssue(code));
    expect([...codes, ...notInConsole].sort()).toEqual([...problems.keys()].sort());
  });

  test.each([...problems.keys()])('names only details that the problem has: %s', (code) => {
    const details = detailsOf(code);
    for (const name of placeholdersOf(german[code] ?? '')) expect(details).toContain(name);
  });
});
