import { SMTPServer } from 'smtp-server';

export interface ReceivedMail {
  to: string[];
  raw: string;
}

/** A real SMTP server on the loopback address. It keeps the mails of clients that sign in with these credentials. */
export async function startSmtpSink(credentials: { username: string; password: string }) {
  const mails: ReceivedMail[] = [];
  const server = new SMTPServer({
    // A connection on the loopback address needs no TLS.
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    onAuth({ username, password }, _session, callback) {
      const isRight = username === credentials.username && password === credentials.password;
      callback(isRight ? null : new Error('The credentials are wrong.'), { user: username });
    },
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
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
  return { port: address.port, mails, close };
}
