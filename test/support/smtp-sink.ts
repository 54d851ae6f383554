import { SMTPServer } from 'smtp-server';

export interface ReceivedMail {
  to: string[];
  raw: string;
}

/** A real SMTP server on loopback that keeps what it receives from who signs in with these credentials. */
export async function startSmtpSink(credentials: { username: string; password: string }) {
  const mails: ReceivedMail[] = [];
  const server = new SMTPServer({
    // Loopback needs no TLS.
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    onAuth({ username, password }, _session, callback) {
      const isRight = username === credentials.username && password === credentials.password;
      callback(isRight ? null : new Error('wrong credentials'), { user: username });
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
  if (address === null || typeof address === 'string') throw new Error('the SMTP server has no port');
  const close = () => new Promise<void>((resolve) => server.close(resolve));
  return { port: address.port, mails, close };
}
