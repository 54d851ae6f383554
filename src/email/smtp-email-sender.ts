import type { Clock } from '../platform/clock';
import { requireAddress } from './address';
import type { Mailbox, SmtpConfig } from './email-config';
import { type EmailAttempt, EmailError, type EmailSender, UnclearEmailError } from './email-sender';
import { toMime } from './mime';
import { findConnectFailure, type Network } from './smtp-connect-failure';
import { connectionLost, SmtpConnection } from './smtp-connection';

function toBase64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

/** Introduces the client and returns the server's extensions, such as `STARTTLS` and `AUTH PLAIN LOGIN`. */
async function greet(connection: SmtpConnection, name: string): Promise<string[]> {
  const { lines } = await connection.command('EHLO', `EHLO ${name}`, 2);
  return lines.slice(1).map((line) => line.toUpperCase());
}

async function signIn(connection: SmtpConnection, extensions: readonly string[], { credentials }: SmtpConfig) {
  const methods = extensions.find((line) => line.startsWith('AUTH'))?.split(/[ =]/) ?? [];
  if (!credentials || methods.length === 0) return;
  const { username, password } = credentials;
  if (methods.includes('PLAIN')) {
    await connection.command('AUTH', `AUTH PLAIN ${toBase64(`\0${username}\0${password}`)}`, 2);
  } else if (methods.includes('LOGIN')) {
    await connection.command('AUTH', 'AUTH LOGIN', 3);
    await connection.command('AUTH', toBase64(username), 3);
    await connection.command('AUTH', toBase64(password), 2);
  } else throw new EmailError('SMTP_AUTH_UNSUPPORTED', 'for-now');
}

/** Greets the server, encrypts the connection, and signs in. */
async function open(connection: SmtpConnection, smtp: SmtpConfig, name: string): Promise<void> {
  await connection.expect('GREETING', 2);
  let extensions = await greet(connection, name);
  if (smtp.startTls && !smtp.secure) {
    // Without this check, an attacker on the way could remove the extension from the reply and read the password.
    if (!extensions.includes('STARTTLS')) throw new EmailError('SMTP_TLS_UNSUPPORTED', 'for-now');
    await connection.command('STARTTLS', 'STARTTLS', 2);
    await connection.startTls();
    extensions = await greet(connection, name);
  }
  await signIn(connection, extensions, smtp);
}

/** Sends e-mail over SMTP, with one connection for each message. */
export function createSmtpEmailSender(smtp: SmtpConfig, from: Mailbox, network: Network, clock: Clock): EmailSender {
  const { host, port, secure, startTls } = smtp;
  const secureTransport = secure ? 'on' : startTls ? 'starttls' : 'off';
  const domain = from.email.slice(from.email.indexOf('@') + 1);

  function openConnection(): SmtpConnection {
    try {
      const socket = network.connect({ hostname: host, port }, { secureTransport, allowHalfOpen: false });
      return new SmtpConnection(socket);
    } catch (error) {
      // The runtime takes no such name or port.
      throw new EmailError('SMTP_CONNECT_FAILED', 'for-now', error);
    }
  }

  /** Hands a message over; from the moment at which the server can have it, the attempt says so. */
  async function handOver(connection: SmtpConnection, content: string, to: string, attempt: EmailAttempt) {
    await connection.command('MAIL', `MAIL FROM:<${requireAddress(from.email)}>`, 2);
    await connection.command('RCPT', `RCPT TO:<${to}>`, 2);
    await connection.command('DATA', 'DATA', 3);
    attempt.mayBeAccepted = true;
    await connection.writeMessage(content);
    await connection.expect('MESSAGE', 2);
  }

  return {
    async send(message, attempt = { signal: new AbortController().signal, mayBeAccepted: true }) {
      attempt.mayBeAccepted = false;
      const to = requireAddress(message.to.email, 'recipient');
      const content = toMime(message, from, clock.now());
      const connection = openConnection();
      const destroy = () => connection.destroy();
      attempt.signal.addEventListener('abort', destroy);
      try {
        await connection.untilOpen().catch(async (error) => {
          throw new EmailError(await findConnectFailure(smtp, network, attempt.signal), 'for-now', error);
        });
        await open(connection, smtp, domain);
        await handOver(connection, content, to, attempt);
      } catch (error) {
        destroy();
        if (error instanceof EmailError) throw error;
        if (attempt.mayBeAccepted) throw new UnclearEmailError(connectionLost, error);
        throw new EmailError(connectionLost, 'for-now', error);
      } finally {
        attempt.signal.removeEventListener('abort', destroy);
      }
      connection.quit();
    },
  };
}
