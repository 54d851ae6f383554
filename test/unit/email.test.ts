import { describe, expect, test } from 'vitest';
import { deliveryTimes } from '../../src/cqrs/log/outbox';
import { limitSending, sendingMs } from '../../src/email/deadline';
import type { SmtpConfig } from '../../src/email/email-config';
import { EmailError, type EmailMessage, UnclearEmailError } from '../../src/email/email-sender';
import { toMime } from '../../src/email/mime';
import { toPrintableName } from '../../src/email/printable-name';
import type { SmtpSocket } from '../../src/email/smtp-connection';
import { createSmtpEmailSender } from '../../src/email/smtp-email-sender';
import { passwordResetEmail, welcomeEmail } from '../../src/email/templates';
import type { Wait } from '../../src/platform/clock';
import { parseHeaders } from '../support/mail-headers';
import { nodeConnect } from '../support/node-connect';
import { startSmtpSink } from '../support/smtp-sink';

const from = { name: 'Frontdesk', email: 'hello@frontdesk.example' };
const clock = { now: () => Date.UTC(2026, 0, 2, 3, 4, 5) };
const credentials = { username: 'frontdesk', password: 'pässword' };
const message: EmailMessage = {
  to: { name: 'Ada', email: 'ada@example.com' },
  subject: 'Hello',
  text: 'Hello Ada,\n.\nyou = welcome.',
  html: '<p>Hello Ada</p>',
  messageId: 'id-1',
};

/** A wait that ends only when the test says so. */
function createHeldWait() {
  const waits: { ms: number; isCancelled: boolean }[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const wait: Wait = async (ms, { signal } = {}) => {
    const entry = { ms, isCancelled: false };
    waits.push(entry);
    signal?.addEventListener('abort', () => {
      entry.isCancelled = true;
    });
    await promise;
  };
  return { wait, waits, end: resolve };
}

describe('the deadline of an e-mail (product 7.2)', () => {
  test('the deadline leaves time to close the connection and to record the result before the claim can run out', () => {
    expect(sendingMs + 5_000).toBeLessThanOrEqual(deliveryTimes.effectMs);
    expect(deliveryTimes.effectMs).toBeLessThan(deliveryTimes.claimMs);
  });

  test('a provider that does not answer until the deadline leaves an unclear outcome, and its sender is told to stop', async () => {
    const { end, wait, waits } = createHeldWait();
    const signals: (AbortSignal | undefined)[] = [];
    const sender = limitSending({ send: (_, signal) => new Promise(() => void signals.push(signal)) }, wait);
    const sending = sender.send(message);
    expect([waits[0]?.ms, signals[0]?.aborted]).toEqual([sendingMs, false]);
    end();
    await expect(sending).rejects.toEqual(new UnclearEmailError('TIMED_OUT'));
    expect(signals[0]?.aborted).toBe(true);
  });

  test.each([
    ['accepts', undefined],
    ['refuses', new EmailError('SMTP_451', false)],
  ])('when the provider %s the e-mail in time, nothing waits for the deadline any more', async (_, error) => {
    const { wait, waits } = createHeldWait();
    const send = () => (error ? Promise.reject(error) : Promise.resolve());
    const [result] = await Promise.allSettled([limitSending({ send }, wait).send(message)]);
    expect(result).toMatchObject(error ? { reason: error } : { status: 'fulfilled' });
    expect(waits).toEqual([{ ms: sendingMs, isCancelled: true }]);
  });
});

describe('the SMTP sender with a real server', () => {
  const plain: Omit<SmtpConfig, 'port'> = { host: '127.0.0.1', secure: false, startTls: false, credentials };
  const senderFor = (smtp: SmtpConfig) => createSmtpEmailSender(smtp, from, nodeConnect, clock);

  test.each([false, true])('a mail arrives complete, with STARTTLS: %s', async (hasTls) => {
    const sink = await startSmtpSink(credentials, { hasTls });
    await senderFor({ ...plain, startTls: hasTls, port: sink.port }).send(message);
    expect(sink.mails).toHaveLength(1);
    expect(sink.mails[0]?.to).toEqual(['ada@example.com']);
    expect(sink.mails[0]?.raw).toBe(`${toMime(message, from, clock.now())}\r\n`);
    await sink.close();
  });

  const hostile = [
    'Ada "the first" Byron',
    '"',
    'Ada \\ Byron',
    'Ada \\" Byron \\',
    "Ada, O'Neil <eve@evil.example>",
    'Ada" <eve@evil.example>, "Eve',
    'friends: eve@evil.example, mallory@evil.example;',
    'Ada (eve@evil.example)',
    'Grüße von Ada',
    '王小明',
    '=?UTF-8?B?ZXZlQGV2aWwuZXhhbXBsZQ==?=',
    '=?UTF-8?Q?Ada=22_=3Ceve=40evil.example=3E?=',
    'Ada\r\nBcc: eve@evil.example',
    'Ada\nBcc: eve@evil.example',
    'Ada\r\n\r\nThe body begins',
    'Ada\u2028Bcc: eve@evil.example',
    'A'.repeat(2000),
    'Ada '.repeat(500),
    '🦜'.repeat(300),
    `${'a'.repeat(38)}é`,
  ];
  const spaced = (name: string) => name.replace(/\s+/gu, ' ').trim();

  test.each(hostile)('the name %j adds no recipient and no header, and arrives as it is', async (name) => {
    const sink = await startSmtpSink(credentials);
    const sender = createSmtpEmailSender({ ...plain, port: sink.port }, { ...from, name }, nodeConnect, clock);
    await sender.send({ ...message, to: { name, email: 'ada@example.com' }, subject: name });
    const [mail] = sink.mails;
    const headers = parseHeaders(mail?.raw ?? '');
    expect(mail?.to).toEqual(['ada@example.com']);
    expect(headers.names).toEqual([
      ...['From', 'To', 'Subject', 'Date'],
      ...['Message-ID', 'MIME-Version', 'Content-Type'],
    ]);
    const [sent, received, subject] = [headers.from, headers.to, headers.subject];
    expect(sent.map(({ address }) => address)).toEqual([from.email]);
    expect(received.map(({ address }) => address)).toEqual(['ada@example.com']);
    const names = [sent[0]?.name ?? '', received[0]?.name ?? '', subject];
    expect(names.map(spaced)).toEqual([spaced(name), spaced(name), spaced(name)]);
    // RFC 2047, 2: a line with an encoded word has at most 76 characters.
    expect(Math.max(...(mail?.raw.split('\r\n') ?? []).map((line) => line.length))).toBeLessThanOrEqual(76);
    await sink.close();
  });

  test('a mail to somebody whose name an e-mail must not show has the address alone', async () => {
    const sink = await startSmtpSink(credentials);
    await senderFor({ ...plain, port: sink.port }).send({ ...message, to: { email: 'ada@example.com' } });
    expect(sink.mails[0]?.raw).toContain('\r\nTo: <ada@example.com>\r\n');
    await sink.close();
  });

  test.each([
    'ada',
    'ada@',
    '@example.com',
    'a b@example.com',
    'ada@example.com, eve@evil.example',
    'ada@example.com>\r\nRCPT TO:<eve@evil.example',
    'ada@example.com> SIZE=1',
    '<ada@example.com>',
    '"ada"@example.com',
    'ada@eve@example.com',
    'ädä@example.com',
    'ada@exämple.com',
    `${'a'.repeat(243)}@example.com`,
  ])(
    'the address %j is refused for good before the server hears of it, and the error does not contain it',
    async (email) => {
      const sink = await startSmtpSink(credentials);
      const sender = senderFor({ ...plain, port: sink.port });
      const refused = {
        name: 'EmailError',
        code: 'INVALID_ADDRESS',
        permanent: true,
        message: expect.not.stringContaining(email),
      };
      await expect(sender.send({ ...message, to: { email } })).rejects.toMatchObject(refused);
      const from = createSmtpEmailSender({ ...plain, port: sink.port }, { email }, nodeConnect, clock);
      await expect(from.send(message)).rejects.toMatchObject(refused);
      expect(sink.mails).toEqual([]);
      await sink.close();
    },
  );

  test('wrong credentials are a refusal for good', async () => {
    const sink = await startSmtpSink({ ...credentials, password: 'another' });
    const sending = senderFor({ ...plain, port: sink.port }).send(message);
    await expect(sending).rejects.toMatchObject({ name: 'EmailError', code: 'SMTP_535', permanent: true });
    await sink.closed;
    await sink.close();
  });

  test('a password is not sent to a server that does not offer the encryption that is configured', async () => {
    const sink = await startSmtpSink(credentials);
    const sending = senderFor({ ...plain, startTls: true, port: sink.port }).send(message);
    await expect(sending).rejects.toMatchObject({ code: 'SMTP_TLS_UNSUPPORTED', permanent: false });
    expect(sink.mails).toEqual([]);
    await sink.close();
  });

  test.each(['greeting', 'answer'] as const)(
    'at the deadline the connection to a server that holds back its %s is closed (product 7.2)',
    async (holds) => {
      const sink = await startSmtpSink(credentials, { holds });
      const { end, wait } = createHeldWait();
      const sending = limitSending(senderFor({ ...plain, port: sink.port }), wait).send(message);
      // Only the deadline ends the sending, so this does not depend on time.
      const outcome = expect(sending).rejects.toMatchObject({ name: 'UnclearEmailError', code: 'TIMED_OUT' });
      await sink.held;
      end();
      await outcome;
      await sink.closed;
      await sink.close();
    },
  );
});

/** A mail server as a function: `answer` returns the reply to a line, or `end` to end the connection. */
function scripted(answer: (line: string) => string | 'end' | undefined) {
  const lines: string[] = [];
  const connect = (): SmtpSocket => {
    let replies: ReadableStreamDefaultController<Uint8Array> | undefined;
    const reply = (text: string) => replies?.enqueue(new TextEncoder().encode(text));
    const readable = new ReadableStream<Uint8Array>({
      start(controller) {
        replies = controller;
        reply('220-hello\r\n220 ready');
        // A reply can arrive in parts.
        reply('\r\n');
      },
    });
    const writable = new WritableStream<Uint8Array>({
      write(chunk) {
        for (const line of new TextDecoder().decode(chunk).split('\r\n').slice(0, -1)) {
          lines.push(line);
          const text = answer(line);
          if (text === 'end') replies?.close();
          else if (text !== undefined) reply(`${text}\r\n`);
        }
      },
    });
    return { readable, writable, startTls: connect, close: async () => {} };
  };
  return { connect, lines };
}

/** What a server answers that accepts everything. */
function accept(line: string): string | undefined {
  if (line.startsWith('EHLO')) return '250-example.com\r\n250 AUTH LOGIN';
  if (line.startsWith('AUTH') || line === btoa('frontdesk')) return '334 continue';
  if (line === btoa('secret')) return '235 welcome';
  if (line === 'DATA') return '354 go on';
  return /^(MAIL|RCPT|\.$)/.test(line) ? '250 fine' : undefined;
}

describe('the SMTP sender', () => {
  const config: SmtpConfig = { host: 'mail.example', port: 587, secure: false, startTls: false };
  function send(answer: (line: string) => string | undefined, changed: Partial<EmailMessage> = {}, smtp = config) {
    const { connect, lines } = scripted(answer);
    return { lines, sending: createSmtpEmailSender(smtp, from, connect, clock).send({ ...message, ...changed }) };
  }

  test('a mail is sent with a sign-in where the server offers LOGIN alone', async () => {
    const { lines, sending } = send(
      accept,
      {},
      { ...config, credentials: { username: 'frontdesk', password: 'secret' } },
    );
    await sending;
    expect(lines.slice(0, 7)).toEqual([
      'EHLO frontdesk.example',
      'AUTH LOGIN',
      btoa('frontdesk'),
      btoa('secret'),
      'MAIL FROM:<hello@frontdesk.example>',
      'RCPT TO:<ada@example.com>',
      'DATA',
    ]);
    // A dot alone would end the message, so it is doubled.
    expect(lines.filter((line) => line.startsWith('.'))).toEqual(['..', '.']);
    expect(lines.at(-1)).toBe('QUIT');
  });

  test('a server that offers no known way to sign in is a failure for now', async () => {
    const answer = (line: string) => (line.startsWith('EHLO') ? '250-a\r\n250 AUTH XOAUTH2' : accept(line));
    const { sending } = send(answer, {}, { ...config, credentials });
    await expect(sending).rejects.toMatchObject({ code: 'SMTP_AUTH_UNSUPPORTED', permanent: false });
  });

  test.each([
    ['RCPT', '550 unknown mailbox', { name: 'EmailError', code: 'SMTP_550', permanent: true }],
    ['RCPT', '451 later', { name: 'EmailError', code: 'SMTP_451', permanent: false }],
    ['MAIL', 'end', { name: 'EmailError', code: 'SMTP_FAILED', permanent: false }],
    ['EHLO', 'what?', { name: 'EmailError', code: 'SMTP_FAILED', permanent: false }],
    ['DATA', 'end', { name: 'EmailError', code: 'SMTP_FAILED', permanent: false }],
    ['.', '554 spam', { name: 'EmailError', code: 'SMTP_554', permanent: true }],
    ['.', '452 full', { name: 'EmailError', code: 'SMTP_452', permanent: false }],
    ['.', 'end', { name: 'UnclearEmailError', code: 'SMTP_FAILED' }],
  ])('after %s the answer “%s” is %j (product 7.2)', async (start, reply, expected) => {
    const isIt = (line: string) => (start === '.' ? line === '.' : line.startsWith(start));
    await expect(send((line) => (isIt(line) ? reply : accept(line))).sending).rejects.toMatchObject(expected);
  });

  test('an address with a line break does not become a second command', async () => {
    const { lines, sending } = send(accept, { to: { email: 'a@b.c>\r\nRCPT TO:<x@y.z' } });
    await expect(sending).rejects.toMatchObject({ code: 'INVALID_ADDRESS', permanent: true });
    expect(lines).toEqual([]);
  });
});

describe('the MIME message of an e-mail', () => {
  test('an e-mail has its headers, and its two bodies as quoted-printable', () => {
    const lines = toMime(message, from, clock.now()).split('\r\n');
    expect(lines.slice(0, 8)).toEqual([
      'From: "Frontdesk" <hello@frontdesk.example>',
      'To: "Ada" <ada@example.com>',
      'Subject: Hello',
      'Date: Fri, 02 Jan 2026 03:04:05 +0000',
      'Message-ID: <id-1@frontdesk.example>',
      'MIME-Version: 1.0',
      'Content-Type: multipart/alternative; boundary="=_frontdesk"',
      '',
    ]);
    expect(lines).toEqual(expect.arrayContaining(['you =3D welcome.', '<p>Hello Ada</p>']));
    expect(lines.slice(-2)).toEqual(['--=_frontdesk--', '']);
  });

  test('names and texts of other scripts and long lines are encoded in short lines of ASCII', () => {
    const text = `${'Grüße '.repeat(40)}\nend of line `;
    const name = '王小明 '.repeat(20);
    const mime = toMime({ ...message, text, subject: name, to: { name, email: 'a@b.c' } }, from, clock.now());
    expect(mime).toMatch(/^[\x20-\x7e\r\n]*$/);
    expect(Math.max(...mime.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(76);
    const words = /Subject: ((?:=\?UTF-8\?B\?[^?]+\?=\s+)+)/.exec(mime)?.[1]?.trim().split('\r\n ') ?? [];
    const decoded = words.map((word) => Buffer.from(word.slice(10, -2), 'base64').toString('utf8'));
    expect(decoded.join('')).toBe(name);
    const body = mime.split('\r\n\r\n')[2]?.split('\r\n--')[0] ?? '';
    const bytes = body
      .replace(/=\r\n/g, '')
      .replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
    expect(Buffer.from(bytes, 'latin1').toString('utf8').replaceAll('\r\n', '\n')).toBe(text);
    expect(body).toContain('end of line=20');
  });

  test('quotes in a name are escaped, and a line break in a name or a subject begins no header', () => {
    const to = { name: 'Ada "the first" \\ Byron', email: 'a@b.c' };
    expect(toMime({ ...message, to }, from, 0)).toContain('To: "Ada \\"the first\\" \\\\ Byron" <a@b.c>\r\n');
    // What looks like an encoded word is encoded, so that nobody decodes it.
    expect(toMime({ ...message, subject: '=?UTF-8?B?eA==?=' }, from, 0)).not.toContain('?eA==?');
    const broken = toMime(
      { ...message, subject: 'a\r\nBcc: x@y.z', to: { name: 'b\nBcc: x', email: 'a@b.c' } },
      from,
      0,
    );
    expect(broken).not.toMatch(/^Bcc/m);
  });
});

describe('the names that e-mails show (product 1.9)', () => {
  test.each([
    'Ada Byron',
    'ada',
    'Grace Brewster Murray Hopper',
    'J. R. R. Tolkien',
    'Martin Luther King Jr.',
    "Miles O'Brien",
    'Renée d’Été',
    'Jean-Luc Picard',
    'Ægir Þórsson',
    '王小明',
    'नरेंद्र मोदी',
    'Zoë Strauß',
    `A${'b'.repeat(49)}`,
  ])('the name %j is shown', (name) => {
    expect(toPrintableName(name)).toBe(name);
    expect(toPrintableName(` ${name} `)).toBe(name);
  });

  test.each([
    '',
    ' ',
    '-',
    'evil.com',
    'Visit evil.com now',
    'evil .com',
    'J.R.R. Tolkien',
    'https://evil.example',
    'evil.example/path',
    '//evil',
    'mailto:eve',
    'eve@evil',
    'Ada <eve>',
    'Win 1000 euros',
    'Call ٠١٢٣',
    'Buy now!',
    'Hello, dear friend',
    'Ada\nByron',
    'Ada\tByron',
    'Ada\u202eByron',
    'Ada\u200bByron',
    'evil。com',
    'evil․com',
    'evil．com',
    '🦜 Ada',
    '=?UTF-8?B?ZXZl?=',
    'Ada "the first" Byron',
    'Ada\\',
    '\u0301Ada',
    'evil.\u0301com',
    'Buy our cheap pills today folks',
    `A${'b'.repeat(50)}`,
  ])('the name %j is not shown', (name) => {
    expect(toPrintableName(name)).toBeUndefined();
  });

  const link = 'https://frontdesk.example/reset#token=t';
  const brand = 'Frontdesk';

  test.each([
    ['the welcome', (to: { name?: string }) => welcomeEmail({ ...to, brand })],
    ['the password reset', (to: { name?: string }) => passwordResetEmail({ ...to, brand, link, validMinutes: 60 })],
  ])('%s greets by a name that is shown, and else without one', (_, compose) => {
    const [named, unnamed] = [compose({ name: 'Ada Byron' }), compose({})];
    expect(named.text).toMatch(/^Hello Ada Byron,\n/);
    expect(named.html).toContain('<p>Hello Ada Byron,</p>');
    expect(unnamed.text).toBe(named.text.replace(' Ada Byron,', ','));
    expect(unnamed.html).toBe(named.html.replace(' Ada Byron,', ','));
  });
});
