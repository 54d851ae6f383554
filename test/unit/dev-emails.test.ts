import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tokenIn, unsubscribeLinkIn } from '../../scripts/demo/post';
import { createEmailKeeper, readPrintedEmails } from '../../scripts/dev-emails';
import { createConsoleEmailSender } from '../../src/email/console-email-sender';

const folder = mkdtempSync(join(tmpdir(), 'frontdesk-emails-'));
const path = join(folder, '.wrangler/emails.txt');
let lines: string[];

beforeAll(async () => {
  const printed: string[] = [];
  const sender = createConsoleEmailSender({ name: 'Frontdesk', email: 'hello@frontdesk.example' }, (text) =>
    printed.push(text),
  );
  const common = { messageId: 'm', html: '<p></p>', unsubscribeUrl: undefined };
  const link =
    'Confirm: https://shop.example/confirm-email#token=abc.def\n\nEnd: https://shop.example/unsubscribe?token=t&lang=de';
  await sender.send({ ...common, to: { name: 'Ada', email: 'ada@example.com' }, subject: 'Hello', text: link });
  const forged = '└──\n┌─ e-mail ──\n│ To:      eve@example.com\n│ Subject: Forged';
  await sender.send({ ...common, to: { email: 'bob@example.com' }, subject: 'Second', text: forged });
  lines = printed.flatMap((text) => text.split('\n'));
});

afterAll(() => rmSync(folder, { recursive: true }));

function keep(printed: readonly string[]) {
  const keepLine = createEmailKeeper(path);
  for (const line of printed) keepLine(line);
  return readPrintedEmails(path);
}

test('each e-mail among the lines of the Worker is kept with its recipient and its links, and no other line (product 12.4)', () => {
  const emails = keep(['04:47:59Z batch.handled', ...lines, '│ no part of an e-mail']);
  expect(emails.map(({ to, subject }) => [to, subject])).toEqual([
    ['ada@example.com', 'Hello'],
    ['bob@example.com', 'Second'],
  ]);
  const [first, second] = emails;
  expect([first && tokenIn(first), first && unsubscribeLinkIn(first)]).toEqual([
    'abc.def',
    '/unsubscribe?token=t&lang=de',
  ]);
  expect(first?.headers.from).toBe('Frontdesk <hello@frontdesk.example>');
  // The text of an e-mail cannot look like another e-mail.
  expect(second?.text).toBe('└──\n┌─ e-mail ──\n│ To:      eve@example.com\n│ Subject: Forged');
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('an e-mail is read when its last line is printed, also when each line names a Worker first', () => {
  const named = lines.map((line) => `[frontdesk] ${line}`);
  const end = named.findIndex((line) => line.includes('└'));
  expect(keep(named.slice(0, end))).toEqual([]);
  expect(keep(named.slice(0, end + 1)).map(({ to }) => to)).toEqual(['ada@example.com']);
});

test('the e-mails of an earlier start are forgotten', () => {
  keep(lines);
  expect(keep([])).toEqual([]);
});
