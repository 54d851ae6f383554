import type { Clock } from '../platform/clock';
import { requireAddress } from './address';
import type { Mailbox, SmtpConfig } from './email-config';
import { EmailError, type EmailSender, UnclearEmailError } from './email-sender';
import { toMime } from './mime';
import { SmtpConnection, type SmtpSocket } from './smtp-connection';

/** Opens a connection, like `connect` of `cloudflare:sockets`. */
export type Connect = (
  address: { hostname: string; port: number },
  options: { secureTransport: 'on' | 'starttls' | 'off'; allowHalfOpen: boolean },
) => SmtpSocket;

function toBase64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

/** Introduces the client and returns the server's extensions, such as `STARTTLS` and `AUTH PLAIN LOGIN`. */
async function greet(connection: SmtpConnection, name: string): Promise<string[]> {
  const { lines } = await connection.command(`EHLO ${name}`, 2);
  return lines.slice(1).map((line) => line.toUpperCase());
}

async function signIn(connection: SmtpConnection, extensions: readonly string[], { credentials }: SmtpConfig) {
  const methods = extensions.find((line) => line.startsWith('AUTH'))?.split(/[ =]/) ?? [];
  if (!credentials || methods.length === 0) return;
  const { username, password } = credentials;
  if (methods.includes('PLAIN')) {
    await connection.command(`AUTH PLAIN ${toBase64(`\0${username}\0${password}`)}`, 2);
  } else if (methods.includes('LOGIN')) {
    await connection.command('AUTH LOGIN', 3);
    await connection.command(toBase64(username), 3);
    await connection.command(toBase64(password), 2);
  } else throw new EmailError('SMTP_AUTH_UNSUPPORTED', false);
}

/** Greets the server, encrypts the connection, and signs in. */
async function open(connection: SmtpConnection, smtp: SmtpConfig, name: string): Promise<void> {
  await connection.expect(2);
  let extensions = await greet(connection, name);
  if (smtp.startTls && !smtp.secure) {
    // Without this check, an attacker on the way could remove the extension from the reply and read the password.
    if (!extensions.includes('STARTTLS')) throw new EmailError('SMTP_TLS_UNSUPPORTED', false);
    await connection.command('STARTTLS', 2);
    connection.startTls();
    extensions = await greet(connection, name);
  }
  await signIn(connection, extensions, smtp);
}

/** Sends e-mail over SMTP, with one connection for each message. */
export function createSmtpEmailSender(smtp: SmtpConfig, from: Mailbox, connect: Connect, clock: Clock): EmailSender {
  const { host, port, secure, startTls } = smtp;
  const secureTransport = secure ? 'on' : startTls ? 'starttls' : 'off';
  const domain = from.email.slice(from.email.indexOf('@') + 1);
  return {
    async send(message, signal) {
      const content = toMime(message, from, clock.now());
      /** From this moment the server may have accepted the message, unless it answers that it has not. */
      let isHandedOver = false;
      try {
        const connection = new SmtpConnection(
          connect({ hostname: host, port }, { secureTransport, allowHalfOpen: false }),
        );
        const destroy = () => connection.destroy();
        signal?.addEventListener('abort', destroy);
        try {
          await open(connection, smtp, domain);
          await connection.command(`MAIL FROM:<${requireAddress(from.email)}>`, 2);
          await connection.command(`RCPT TO:<${requireAddress(message.to.email)}>`, 2);
          await connection.command('DATA', 3);
          isHandedOver = true;
          await connection.writeMessage(content);
          await connection.expect(2);
        } catch (error) {
          connection.destroy();
          throw error;
        } finally {
          signal?.removeEventListener('abort', destroy);
        }
        connection.quit();
      } catch (error) {
        if (error instanceof EmailError) throw error;
        throw isHandedOver ? new UnclearEmailError('SMTP_FAILED', error) : new EmailError('SMTP_FAILED', false, error);
      }
    },
  };
}
