import { describe, expect, test } from 'vitest';
import { deliveryTimes } from '../../src/cqrs/log/outbox';
import { limitSending, sendingMs } from '../../src/email/deadline';
import type { SmtpConfig } from '../../src/email/email-config';
import { EmailError, type EmailMessage, UnclearEmailError } from '../../src/email/email-sender';
import { toMime } from '../../src/email/mime';
import { toPrintableName } from '../../src/email/printable-name';
import type { Network } from '../../src/email/smtp-connect-failure';
import type { SmtpSocket } from '../../src/email/smtp-connection';
import { createSmtpEmailSender } from '../../src/email/smtp-email-sender';
import type { Wait } from '../../src/platform/clock';
import { parseHeaders } from '../support/mail-headers';
import { nodeNetwork } from '../support/node-network';
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
    const sender = limitSending({ send: (_, attempt) => new Promise(() => void signals.push(attempt?.signal)) }, wait);
    const sending = sender.send(message);
    expect([waits[0]?.ms, signals[0]?.aborted]).toEqual([sendingMs, false]);
    end();
    await expect(sending).rejects.toEqual(new UnclearEmailError('TIMED_OUT'));
    expect(signals[0]?.aborted).toBe(true);
  });

  test.each([
    ['accepts', undefined],
    ['refuses', new EmailError('SMTP_451', 'for-now')],
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
  const senderFor = (smtp: SmtpConfig) => createSmtpEmailSender(smtp, from, nodeNetwork, clock);

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
    const sender = createSmtpEmailSender({ ...plain, port: sink.port }, { ...from, name }, nodeNetwork, clock);
    await sender.send({ ...message, to: { name, email: 'ada@example.com' }, subject: name });
    const [mail] = sink.mails;
    const headers = parseHeaders(mail?.raw ?? '');
    expect(mail?.to).toEqual(['ada@example.com']);
    expect(headers.names).toEqual([
      ...['From', 'To', 'Subject', 'Date'],
      ...['Message-ID', 'Auto-Submitted', 'MIME-Version', 'Content-Type'],
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
        message: expect.not.stringContaining(email),
      };
      const sending = sender.send({ ...message, to: { email } });
      await expect(sending).rejects.toMatchObject({ ...refused, refusal: 'recipient' });
      const from = createSmtpEmailSender({ ...plain, port: sink.port }, { email }, nodeNetwork, clock);
      await expect(from.send(message)).rejects.toMatchObject({ ...refused, refusal: 'for-good' });
      expect(sink.mails).toEqual([]);
      await sink.close();
    },
  );

  test('wrong credentials are a refusal for good', async () => {
    const sink = await startSmtpSink({ ...credentials, password: 'another' });
    const sending = senderFor({ ...plain, port: sink.port }).send(message);
    await expect(sending).rejects.toMatchObject({ name: 'EmailError', code: 'SMTP_AUTH_535', refusal: 'for-good' });
    await sink.closed;
    await sink.close();
  });

  test('a password is not sent to a server that does not offer the encryption that is configured', async () => {
    const sink = await startSmtpSink(credentials);
    const sending = senderFor({ ...plain, startTls: true, port: sink.port }).send(message);
    await expect(sending).rejects.toMatchObject({ code: 'SMTP_TLS_UNSUPPORTED', refusal: 'for-now' });
    expect(sink.mails).toEqual([]);
    await sink.close();
  });

  test.each([
    ['greeting', { name: 'EmailError', code: 'TIMED_OUT', refusal: 'for-now' }],
    ['answer', { name: 'UnclearEmailError', code: 'TIMED_OUT' }],
  ] as const)(
    'at the deadline the connection to a server that holds back its %s is closed with %j (product 7.2)',
    async (holds, expected) => {
      const sink = await startSmtpSink(credentials, { holds });
      const { end, wait } = createHeldWait();
      const sending = limitSending(senderFor({ ...plain, port: sink.port }), wait).send(message);
      // Only the deadline ends the sending, so this does not depend on time.
      const outcome = expect(sending).rejects.toMatchObject(expected);
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
    return { opened: Promise.resolve(), readable, writable, startTls: connect, close: async () => {} };
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
    return {
      lines,
      sending: createSmtpEmailSender(smtp, from, { connect, hasHost: async () => true }, clock).send({
        ...message,
        ...changed,
      }),
    };
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
    await expect(sending).rejects.toMatchObject({ code: 'SMTP_AUTH_UNSUPPORTED', refusal: 'for-now' });
  });

  test.each([
    ['RCPT', '550 unknown mailbox', { name: 'EmailError', code: 'SMTP_RCPT_550', refusal: 'recipient' }],
    ['RCPT', '451 later', { name: 'EmailError', code: 'SMTP_RCPT_451', refusal: 'for-now' }],
    ['MAIL', 'end', { name: 'EmailError', code: 'SMTP_CONNECTION_LOST', refusal: 'for-now' }],
    ['EHLO', 'what?', { name: 'EmailError', code: 'SMTP_NOT_SPOKEN', refusal: 'for-now' }],
    ['DATA', 'end', { name: 'EmailError', code: 'SMTP_CONNECTION_LOST', refusal: 'for-now' }],
    ['.', '554 spam', { name: 'EmailError', code: 'SMTP_MESSAGE_554', refusal: 'for-good' }],
    ['.', '452 full', { name: 'EmailError', code: 'SMTP_MESSAGE_452', refusal: 'for-now' }],
    ['.', 'end', { name: 'UnclearEmailError', code: 'SMTP_CONNECTION_LOST' }],
  ])('after %s the answer “%s” is %j (product 7.2)', async (start, reply, expected) => {
    const isIt = (line: string) => (start === '.' ? line === '.' : line.startsWith(start));
    await expect(send((line) => (isIt(line) ? reply : accept(line))).sending).rejects.toMatchObject(expected);
  });

  // The first are codes of the step RCPT, the others of the content.
  test.each([
    ['RCPT', '550 5.1.1 <ada@example.com> unknown', 'SMTP_RCPT_550_5.1.1', 'recipient'],
    ['RCPT', '550-5.1.1 a text\r\n550 5.1.1 of two lines', 'SMTP_RCPT_550_5.1.1', 'recipient'],
    ['RCPT', '556 5.1.10 null MX', 'SMTP_RCPT_556_5.1.10', 'recipient'],
    ['RCPT', '550 5.4.4 no such domain', 'SMTP_RCPT_550_5.4.4', 'recipient'],
    ['RCPT', '552 mailbox full', 'SMTP_RCPT_552', 'recipient'],
    ['RCPT', '550 5.9999.1 user unknown', 'SMTP_RCPT_550', 'recipient'],
    ['RCPT', '550 4.1.1 user unknown', 'SMTP_RCPT_550', 'recipient'],
    ['RCPT', '550 5.9999.1 odd', 'SMTP_RCPT_550', 'for-good'],
    ['RCPT', '553 5.1.8 your domain is unknown', 'SMTP_RCPT_553_5.1.8', 'for-good'],
    ['RCPT', '553 5.1.7 your address is none', 'SMTP_RCPT_553_5.1.7', 'for-good'],
    ['RCPT', '554 5.7.1 <ada@example.com>: Relay access denied', 'SMTP_RCPT_554_5.7.1', 'for-good'],
    ['RCPT', '550 relay not permitted', 'SMTP_RCPT_550', 'for-good'],
    ['RCPT', '530 5.7.0 Authentication required', 'SMTP_RCPT_530_5.7.0', 'for-good'],
    ['RCPT', '452 4.2.2 mailbox full', 'SMTP_RCPT_452_4.2.2', 'for-now'],
    ['RCPT', '350 what?', 'SMTP_RCPT_350', 'for-now'],
    ['MAIL', '550 5.1.1 unknown', 'SMTP_MAIL_550_5.1.1', 'for-good'],
    ['MAIL', '550 unknown', 'SMTP_MAIL_550', 'for-good'],
    ['EHLO', '550 5.1.1 go away', 'SMTP_EHLO_550_5.1.1', 'for-good'],
    ['.', '550 5.1.1 unknown', 'SMTP_MESSAGE_550_5.1.1', 'recipient'],
    ['.', '552 5.2.2 mailbox full', 'SMTP_MESSAGE_552_5.2.2', 'recipient'],
    ['.', '550 5.7.1 spam', 'SMTP_MESSAGE_550_5.7.1', 'for-good'],
    ['.', '550 no', 'SMTP_MESSAGE_550', 'for-good'],
  ])('the reply to %s “%s” has the code %s, and is refused %s (product 7.7)', async (start, reply, code, refusal) => {
    const isIt = (line: string) => (start === '.' ? line === '.' : line.startsWith(start));
    const { sending } = send((line) => (isIt(line) ? reply : accept(line)));
    // Servers repeat addresses in their texts, so nothing of a text is kept.
    const message = `The provider did not accept the e-mail: ${code}.`;
    await expect(sending).rejects.toMatchObject({ name: 'EmailError', code, refusal, message });
  });

  const refusalOf = async (reply: string) => {
    const { sending } = send((line) => (line.startsWith('RCPT') ? reply : accept(line)));
    const error = await sending.catch((reason: unknown) => reason);
    return error instanceof EmailError ? error.refusal : error;
  };

  // Texts of Postfix, Exim, Sendmail, qmail, Gmail, Outlook and others.
  test.each([
    '550 <ada@example.com>: Recipient address rejected: User unknown in local recipient table',
    '550 <ada@example.com>: Recipient address rejected: User unknown in relay recipient table',
    '550 <ada@example.com>: Recipient address rejected: User unknown in virtual mailbox table',
    '550 Unknown user',
    '550 Unrouteable address',
    '550 No Such User Here',
    '550-Verification failed for <ada@example.com>\r\n550-No such mailbox\r\n550 Recipient verify failed',
    '550 ada@example.com... User unknown',
    '550 sorry, no mailbox here by that name (#5.1.1)',
    '550 The email account that you tried to reach does not exist. Please try double-checking',
    '550-The email account that you tried\r\n550 to reach does not exist.',
    '552 The email account that you tried to reach is over quota',
    '550 The email account that you tried to reach is disabled.',
    '550 Recipient not found',
    '550 Invalid Recipient - https://community.example/docs',
    '550 Message was not accepted -- invalid mailbox. Local mailbox ada@example.com is unavailable: user not found',
    "550 User doesn't exist: ada@example.com",
    '550 Address unknown',
    '550 Account Inactive',
    '550 No such user - psmtp',
    "552 The user's mailbox is full",
    '552 mailbox full',
    '553 Invalid recipient ada@example.com',
    '556 The recipient <ada@example.com> does not exist',
  ])('the reply to RCPT “%s” is about an address that takes nothing (product 7.7)', async (reply) => {
    expect(await refusalOf(reply)).toBe('recipient');
  });

  test.each([
    '550 blocked using zen.spamhaus.org',
    '550 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org',
    '550 Rejected because 192.0.2.1 is in a black list at zen.spamhaus.org',
    '550 <ada@example.com>: Recipient address rejected: SPF check failed',
    '550 <ada@example.com>: Recipient address rejected: Access denied',
    '550 <unknown-user@example.com>: Recipient address rejected: Access denied',
    '550 unknown.user@example.com is refused',
    '550 Access denied - Invalid HELO name (See RFC2821 4.1.1.3)',
    '550 Invalid HELO name; unknown address',
    '550 EHLO of an unknown address',
    '550 local policy',
    '550 Reject due to policy restrictions, unknown account',
    '550 192.0.2.1 has a bad reputation',
    '550 Poor reputation of an unknown address',
    '550 Requested action not taken: mailbox unavailable',
    '550-Requested action not taken: mailbox unavailable\r\n550 Reject due to policy restrictions.',
    '550 Administrative prohibition',
    '550 relay not permitted',
    '550 unknown user, relay access refused',
    '550 authentication required',
    '550 User unknown, authenticate first',
    '550-Verification failed for <hello@frontdesk.example>\r\n550-No Such User Here\r\n550 Sender verify failed',
    '550 Sender address rejected: User unknown',
    '553 the address in MAIL FROM does not exist',
    '550-The mail server could not deliver mail to ada@example.com.\r\n550-The account or domain may not exist, they\r\n550 may be blacklisted, or missing the proper dns entries.',
    '550 Your IP address is unknown',
    '550 unknown client address',
    '550 Reverse lookup failed, address not found',
    '550 address not found in DNS',
    '550 Your account is suspended',
    '550 Sending is disabled for this account, account disabled',
    '550 Outgoing mail of the account is suspended',
    '550 The account is over its quota of hourly messages',
    '550 Too many messages to an unknown recipient',
    '550 Message looks like spam to an unknown user',
    '551 User not local; please try another path',
    '552 Requested mail action aborted: exceeded storage allocation',
    "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
    '550 Unfortunately, messages from [192.0.2.1] were not sent. Please contact your Internet service provider',
    '554 No such user',
    '550 no',
    '550',
  ])(
    'the reply to RCPT “%s” is not clearly about the address, so it is the fault of the system (product 7.7)',
    async (reply) => {
      expect(await refusalOf(reply)).toBe('for-good');
    },
  );

  test.each([
    ['unknown to DNS', { secure: false, hasHost: false, takesPlain: false }, 'SMTP_HOST_NOT_FOUND'],
    ['that takes no connection', { secure: false, hasHost: true, takesPlain: false }, 'SMTP_CONNECT_FAILED'],
    ['that takes no encrypted connection', { secure: true, hasHost: true, takesPlain: true }, 'SMTP_TLS_FAILED'],
    ['that takes neither', { secure: true, hasHost: true, takesPlain: false }, 'SMTP_CONNECT_FAILED'],
    ['unknown to DNS, with TLS', { secure: true, hasHost: false, takesPlain: false }, 'SMTP_HOST_NOT_FOUND'],
  ])(
    'a host %s is a failure for now with its own code (product 7.7)',
    async (_, { secure, hasHost, takesPlain }, code) => {
      const asked: string[] = [];
      const closed: string[] = [];
      const { connect } = scripted(accept);
      const network: Network = {
        connect({ hostname }, { secureTransport }) {
          const isOpen = secureTransport === 'off' && secure && takesPlain;
          const opened = isOpen
            ? Promise.resolve()
            : Promise.reject(new Error('cannot connect to the specified address'));
          opened.catch(() => {});
          asked.push(`${hostname} ${secureTransport}`);
          return { ...connect(), opened, close: async () => void closed.push(secureTransport) };
        },
        hasHost: async (hostname) => hostname === 'mail.example' && hasHost,
      };
      const sending = createSmtpEmailSender({ ...config, secure }, from, network, clock).send(message);
      await expect(sending).rejects.toMatchObject({ name: 'EmailError', code, refusal: 'for-now' });
      expect(asked).toEqual(secure ? ['mail.example on', 'mail.example off'] : ['mail.example off']);
      expect(closed.toSorted()).toEqual(secure ? ['off', 'on'] : ['off']);
    },
  );

  test.each([
    ['while the encrypted connection opens', 'on', ['on']],
    ['while a connection without encryption is tried', 'off', ['on', 'off']],
  ])('the end of an attempt %s closes every connection, and nothing is asked any more', async (_, last, opened) => {
    const controller = new AbortController();
    const { connect } = scripted(accept);
    const seen = { opened: [] as string[], closed: [] as string[], asked: 0 };
    const network: Network = {
      connect(_, { secureTransport }) {
        seen.opened.push(secureTransport);
        const { promise, reject } = Promise.withResolvers<void>();
        promise.catch(() => {});
        const fail = () => reject(new Error('cannot connect to the specified address'));
        if (secureTransport !== last) fail();
        else setTimeout(() => controller.abort());
        const close = async () => {
          seen.closed.push(secureTransport);
          fail();
        };
        return { ...connect(), opened: promise, close };
      },
      hasHost: async () => {
        seen.asked++;
        return true;
      },
    };
    const attempt = { signal: controller.signal, mayBeAccepted: true };
    const sending = createSmtpEmailSender({ ...config, secure: true }, from, network, clock).send(message, attempt);
    await expect(sending).rejects.toMatchObject({ name: 'EmailError', refusal: 'for-now' });
    expect(seen.opened).toEqual(opened);
    expect(new Set(seen.closed)).toEqual(new Set(opened));
    expect(seen.asked).toBe(0);
  });

  test('a name that the runtime does not take for a host is a failure for now', async () => {
    const network: Network = {
      connect() {
        throw new TypeError('Specified address is empty string.');
      },
      hasHost: async () => true,
    };
    const sending = createSmtpEmailSender(config, from, network, clock).send(message);
    await expect(sending).rejects.toMatchObject({ code: 'SMTP_CONNECT_FAILED', refusal: 'for-now' });
  });

  test('an attempt that is over hands nothing over, because it was reported as not handed over', async () => {
    const controller = new AbortController();
    const { connect, lines } = scripted((line) => {
      if (line === 'DATA') controller.abort();
      return accept(line);
    });
    const attempt = { signal: controller.signal, mayBeAccepted: true };
    const network = { connect: () => ({ ...connect(), close: async () => {} }), hasHost: async () => true };
    await expect(createSmtpEmailSender(config, from, network, clock).send(message, attempt)).rejects.toThrow();
    expect([attempt.mayBeAccepted, lines.at(-1)]).toEqual([false, 'DATA']);
  });

  test('an address with a line break does not become a second command', async () => {
    const { lines, sending } = send(accept, { to: { email: 'a@b.c>\r\nRCPT TO:<x@y.z' } });
    await expect(sending).rejects.toMatchObject({ code: 'INVALID_ADDRESS', refusal: 'recipient' });
    expect(lines).toEqual([]);
  });
});

describe('the MIME message of an e-mail', () => {
  test('an e-mail has its headers, and its two bodies as quoted-printable', () => {
    const lines = toMime(message, from, clock.now()).split('\r\n');
    expect(lines.slice(0, 9)).toEqual([
      'From: "Frontdesk" <hello@frontdesk.example>',
      'To: "Ada" <ada@example.com>',
      'Subject: Hello',
      'Date: Fri, 02 Jan 2026 03:04:05 +0000',
      'Message-ID: <id-1@frontdesk.example>',
      'Auto-Submitted: auto-generated',
      'MIME-Version: 1.0',
      'Content-Type: multipart/alternative; boundary="=_frontdesk"',
      '',
    ]);
    expect(lines).toEqual(expect.arrayContaining(['you =3D welcome.', '<p>Hello Ada</p>']));
    expect(lines.slice(-2)).toEqual(['--=_frontdesk--', '']);
  });

  test('an e-mail that can be ended says where, in lines that nothing breaks (product 11.5)', () => {
    const unsubscribeUrl = `https://api.shop.example/unsubscribe?token=${'a'.repeat(101)}&lang=de`;
    const head = toMime({ ...message, unsubscribeUrl }, from, clock.now()).split('\r\n\r\n')[0] ?? '';
    expect(head.split('\r\n').slice(5, 9)).toEqual([
      'Auto-Submitted: auto-generated',
      'List-Unsubscribe:',
      ` <${unsubscribeUrl}>`,
      'List-Unsubscribe-Post: List-Unsubscribe=One-Click',
    ]);
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
});
