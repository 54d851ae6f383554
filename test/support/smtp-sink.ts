import { SMTPServer } from 'smtp-server';

export interface ReceivedMail {
  to: string[];
  raw: string;
}

/**
 * A real SMTP server on the loopback address. It keeps the mails of clients that sign in with these credentials.
 * @param options.holds the server never greets, or has a whole mail and never says so; `held` then resolves
 * @param options.hasTls the server offers STARTTLS, with a certificate of its own
 */
export async function startSmtpSink(
  credentials: { username: string; password: string },
  { holds, hasTls = false }: { holds?: 'greeting' | 'answer'; hasTls?: boolean } = {},
) {
  const mails: ReceivedMail[] = [];
  const held = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  const server = new SMTPServer({
    // Without this, the server prints a warning about its default certificate.
    logger: false,
    disabledCommands: hasTls ? [] : ['STARTTLS'],
    // A connection on the loopback address needs no TLS.
    allowInsecureAuth: !hasTls,
    onConnect(_session, callback) {
      if (holds === 'greeting') held.resolve();
      else callback();
    },
    onClose: () => closed.resolve(),
    onAuth({ username, password }, _session, callback) {
      const isRight = username === credentials.username && password === credentials.password;
      callback(isRight ? null : new Error('The credentials are wrong.'), { user: username });
    },
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        if (holds === 'answer') return held.resolve();
        const to = session.envelope.rcptTo.map(({ address }) => address);
        mails.push({ to, raw: Buffer.concat(chunks).toString('utf8') });
        callback();
      });
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.server.address();
  if (address === null || typeof address === 'string') throw new Error('The SMTP server has no port.');
  const close = () => new Promise<void>((resolve) => server.close(resolve));
  return { port: address.port, mails, close, held: held.promise, closed: closed.promise };
}

/** The variables with which a Worker on this machine sends its e-mails to a sink, without encryption. */
export function variablesFor(port: number, username: string) {
  return {
    EMAIL_TRANSPORT: 'smtp',
    SMTP_HOST: '127.0.0.1',
    SMTP_PORT: String(port),
    SMTP_USERNAME: username,
    SMTP_SECURE: 'false',
    SMTP_STARTTLS: 'false',
  };
}
