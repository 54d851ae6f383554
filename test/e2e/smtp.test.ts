import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestHarness } from 'wrangler';
import { startSmtpSink } from '../support/smtp-sink';
import type { Order } from './smtp-worker';

const credentials = { username: 'frontdesk', password: 'secret' };
const plain = { host: '127.0.0.1', secure: false, startTls: false, credentials };
const servers: Server[] = [];
let harness: ReturnType<typeof createTestHarness>;
let url: string;
/** Resolved when the server has nothing more to say to the e-mail that is being sent: then its deadline is over. */
let silence = Promise.withResolvers<void>();
let deadlineUrl: string;

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

/** A server of raw connections. Connections end as the test says, or with the file. */
const raw = (onConnection: (socket: Socket) => void) =>
  listen(createServer((socket) => onConnection(socket.on('error', () => {}))));

/** A mail server that accepts everything, until it gets a line that begins with `start`. */
function untilLine(start: string, act: (socket: Socket) => void) {
  return raw((socket) => {
    socket.write('220 ready\r\n');
    socket.on('data', (chunk) => {
      for (const line of chunk.toString().split('\r\n').slice(0, -1)) {
        if (line.startsWith(start)) act(socket);
        else if (line === 'DATA') socket.write('354 go on\r\n');
        else if (/^(EHLO|AUTH|MAIL|RCPT|\.$)/.test(line)) socket.write('250 AUTH PLAIN\r\n');
      }
    });
  });
}

async function send(smtp: Partial<Order['smtp']> & { port: number }) {
  silence = Promise.withResolvers();
  const order: Order = { smtp: { ...plain, ...smtp }, deadlineUrl };
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(order) });
  return response.json();
}

const forNow = (code: string) => ({ name: 'EmailError', code, refusal: 'for-now' });

beforeAll(async () => {
  const deadline = createHttpServer((_, response) => {
    void silence.promise.then(() => response.end());
  });
  deadlineUrl = `http://127.0.0.1:${await listen(deadline)}`;
  harness = createTestHarness({ workers: [{ configPath: './test/e2e/smtp-worker.toml' }] });
  url = (await harness.listen()).url.href;
});

afterAll(async () => {
  await harness?.close();
  for (const server of servers) server.close();
});

describe('the SMTP sender in workerd tells the causes of a failure apart (product 7.7)', () => {
  test('a server that takes the e-mail', async () => {
    const sink = await startSmtpSink(credentials);
    expect(await send({ port: sink.port })).toEqual({ sent: true });
    expect(sink.mails).toHaveLength(1);
    await sink.close();
  });

  test('wrong credentials', async () => {
    const sink = await startSmtpSink({ ...credentials, password: 'another' });
    expect(await send({ port: sink.port })).toEqual({ ...forNow('SMTP_AUTH_535'), refusal: 'for-good' });
    await sink.close();
  });

  test('a port on which nobody listens, with TLS and without', async () => {
    const server = createServer();
    const port = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    expect(await send({ port })).toEqual(forNow('SMTP_CONNECT_FAILED'));
    expect(await send({ port, secure: true })).toEqual(forNow('SMTP_CONNECT_FAILED'));
  });

  test('a name that is none', async () => {
    expect(await send({ host: 'mail server', port: 587 })).toEqual(forNow('SMTP_CONNECT_FAILED'));
  });

  test('a server that speaks no TLS where TLS begins at once', async () => {
    const port = await raw((socket) => socket.write('220 ready\r\n'));
    expect(await send({ port, secure: true })).toEqual(forNow('SMTP_TLS_FAILED'));
  });

  test('a server with a certificate that nobody trusts, after STARTTLS', async () => {
    const sink = await startSmtpSink(credentials, { hasTls: true });
    expect(await send({ port: sink.port, startTls: true })).toEqual(forNow('SMTP_TLS_FAILED'));
    expect(sink.mails).toEqual([]);
    await sink.close();
  });

  test('a server that does not offer STARTTLS', async () => {
    const sink = await startSmtpSink(credentials);
    expect(await send({ port: sink.port, startTls: true })).toEqual(forNow('SMTP_TLS_UNSUPPORTED'));
    await sink.close();
  });

  test('a server that is none for mail', async () => {
    const port = await raw((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n'));
    expect(await send({ port })).toEqual(forNow('SMTP_NOT_SPOKEN'));
  });

  test.each<[string, (socket: Socket) => void]>([
    ['ends', (socket) => void socket.end()],
    ['resets', (socket) => void socket.resetAndDestroy()],
  ])('a server that %s the connection before it has the e-mail, or after', async (_, act) => {
    expect(await send({ port: await untilLine('RCPT', act) })).toEqual(forNow('SMTP_CONNECTION_LOST'));
    const after = { name: 'UnclearEmailError', code: 'SMTP_CONNECTION_LOST' };
    expect(await send({ port: await untilLine('.', act) })).toEqual(after);
  });

  test('a server that answers nothing until the deadline, before it has the e-mail, or after', async () => {
    const end = () => silence.resolve();
    expect(await send({ port: await raw(end) })).toEqual(forNow('TIMED_OUT'));
    expect(await send({ port: await raw(end), secure: true })).toEqual(forNow('TIMED_OUT'));
    expect(await send({ port: await untilLine('RCPT', end) })).toEqual(forNow('TIMED_OUT'));
    expect(await send({ port: await untilLine('.', end) })).toEqual({ name: 'UnclearEmailError', code: 'TIMED_OUT' });
  });

  test('a recipient that does not exist, and a relay that is denied', async () => {
    const reply = (text: string) => untilLine('RCPT', (socket) => void socket.write(`${text}\r\n`));
    const unknown = await send({ port: await reply('550 5.1.1 <ada@example.com>: unknown user') });
    expect(unknown).toEqual({ name: 'EmailError', code: 'SMTP_RCPT_550_5.1.1', refusal: 'recipient' });
    const denied = await send({ port: await reply('554 5.7.1 <ada@example.com>: Relay access denied') });
    expect(denied).toEqual({ name: 'EmailError', code: 'SMTP_RCPT_554_5.7.1', refusal: 'for-good' });
  });
});
