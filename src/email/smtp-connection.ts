import { EmailError } from './email-sender';
import { type SmtpReply, type SmtpStep, toEmailError } from './smtp-reply';

/** What a connection needs of a socket of Cloudflare Workers. */
export interface SmtpSocket {
  /** Resolves when the connection is open, and encrypted if it has to be; rejects if that fails. */
  readonly opened: Promise<unknown>;
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  startTls(): SmtpSocket;
  close(): Promise<void>;
}

/** The code of a connection that ended before the conversation did. */
export const connectionLost = 'SMTP_CONNECTION_LOST';

const encoder = new TextEncoder();

/** A connection to a mail server that speaks SMTP (RFC 5321). */
export class SmtpConnection {
  #socket: SmtpSocket;
  #reader: ReadableStreamDefaultReader<Uint8Array>;
  #writer: WritableStreamDefaultWriter<Uint8Array>;
  #received = '';
  readonly #decoder = new TextDecoder();

  constructor(socket: SmtpSocket) {
    this.#socket = socket;
    this.#reader = socket.readable.getReader();
    this.#writer = socket.writable.getWriter();
  }

  /**
   * Waits until the connection is open.
   * @throws Error when it cannot be opened; the runtime does not say why
   */
  async untilOpen(): Promise<void> {
    await this.#socket.opened;
  }

  /**
   * Reads a reply whose code begins with this digit.
   * @throws EmailError for another reply; 5xx is permanent (RFC 5321, 4.2.1). Error when the connection ends.
   */
  async expect(step: SmtpStep, digit: number): Promise<SmtpReply> {
    const reply = await this.#readReply();
    if (Math.floor(reply.code / 100) === digit) return reply;
    throw toEmailError(step, reply);
  }

  /** Sends a command, and reads a reply whose code begins with this digit. */
  async command(step: SmtpStep, line: string, digit: number): Promise<SmtpReply> {
    // A line break would begin a second command.
    if (/[\r\n]/.test(line)) throw new EmailError('SMTP_LINE_BREAK', 'for-good');
    await this.#write(`${line}\r\n`);
    return this.expect(step, digit);
  }

  /** Sends the content of a message after DATA. A line that begins with a dot gets another one (RFC 5321, 4.5.2). */
  async writeMessage(message: string): Promise<void> {
    await this.#write(`${message.replace(/^\./gm, '..')}\r\n.\r\n`);
  }

  /** Encrypts the connection after STARTTLS. */
  async startTls(): Promise<void> {
    this.#reader.releaseLock();
    this.#writer.releaseLock();
    this.#socket = this.#socket.startTls();
    this.#reader = this.#socket.readable.getReader();
    this.#writer = this.#socket.writable.getWriter();
    this.#received = '';
    try {
      await this.untilOpen();
    } catch (error) {
      throw new EmailError('SMTP_TLS_FAILED', 'for-now', error);
    }
  }

  /** Says goodbye and closes the connection, without waiting for the server. */
  quit(): void {
    this.#write('QUIT\r\n')
      .then(() => this.#socket.close())
      .catch(() => {});
  }

  /** Ends the connection at once: what was not written yet is not sent, and a read that waits fails. */
  destroy(): void {
    for (const end of [this.#writer.abort(), this.#reader.cancel(), this.#socket.close()]) end.catch(() => {});
  }

  async #write(text: string): Promise<void> {
    await this.#writer.write(encoder.encode(text));
  }

  async #readReply(): Promise<SmtpReply> {
    const lines: string[] = [];
    for (;;) {
      const [, code, separator, text = ''] = /^(\d{3})([ -]?)(.*)$/.exec(await this.#readLine()) ?? [];
      if (code === undefined) throw new EmailError('SMTP_NOT_SPOKEN', 'for-now');
      lines.push(text);
      if (separator !== '-') return { code: Number(code), lines };
    }
  }

  async #readLine(): Promise<string> {
    for (;;) {
      const end = this.#received.indexOf('\n');
      if (end >= 0) {
        const line = this.#received.slice(0, end).replace(/\r$/, '');
        this.#received = this.#received.slice(end + 1);
        return line;
      }
      const { done, value } = await this.#reader.read();
      if (done) throw new Error('The mail server ended the connection.');
      this.#received += this.#decoder.decode(value, { stream: true });
    }
  }
}
