import { isoTime } from '../platform/clock';
import { requireAddress } from './address';
import type { Mailbox } from './email-config';
import type { EmailMessage } from './email-sender';
import { headersOf } from './headers';

const encoder = new TextEncoder();
/** "=_" cannot occur in quoted-printable text, so no body contains the boundary. */
const boundary = '=_frontdesk';

/** Encodes a text as quoted-printable (RFC 2045, 6.7): lines of 76 ASCII characters, with CRLF. */
function toQuotedPrintable(text: string): string {
  const encodeLine = (line: string) => {
    const bytes = encoder.encode(line);
    const tokens = Array.from(bytes, (byte, index) => {
      const isLastSpace = byte === 0x20 && index === bytes.length - 1;
      const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x3d && !isLastSpace;
      return isPlain ? String.fromCharCode(byte) : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    });
    const lines = [''];
    for (const token of tokens) {
      // The last of the 76 characters is the `=` of a soft line break.
      if ((lines.at(-1) ?? '').length + token.length > 75) lines.push('');
      lines[lines.length - 1] += token;
    }
    return lines.join('=\r\n');
  };
  return text
    .split(/\r\n|\r|\n/)
    .map(encodeLine)
    .join('\r\n');
}

/** Continues a header on a new line (RFC 5322, 2.2.3). */
const fold = '\r\n ';

/** A text that a header can have as it is: ASCII that fits on one line, and that nobody takes for an encoded word. */
function isPlain(text: string): boolean {
  return /^[\x20-\x7e]{1,60}$/.test(text) && !text.includes('=?');
}

/** Encodes any text as words of 64 characters at most (RFC 2047), so that each fits beside the name of its header. */
function toEncodedWords(text: string): string {
  const words: string[] = [];
  let bytes: number[] = [];
  for (const character of text) {
    const encoded = encoder.encode(character);
    if (bytes.length + encoded.length > 39) {
      words.push(String.fromCharCode(...bytes));
      bytes = [];
    }
    bytes.push(...encoded);
  }
  words.push(String.fromCharCode(...bytes));
  return words.map((word) => `=?UTF-8?B?${btoa(word)}?=`).join(fold);
}

/** A mailbox with its display name (RFC 5322, 3.4): quoted, or as encoded words, which must not be quoted. */
function toMailboxText({ name, email }: Mailbox): string {
  const path = `<${requireAddress(email)}>`;
  if (!name) return path;
  if (!isPlain(name)) return `${toEncodedWords(name)}${fold}${path}`;
  const phrase = `"${name.replace(/["\\]/g, '\\$&')}"`;
  return phrase.length + path.length > 65 ? `${phrase}${fold}${path}` : `${phrase} ${path}`;
}

/** A header of ASCII without a line break; a long one begins on a new line, and is never broken, because it may be an address. */
function toHeader([name, value]: readonly [string, string]): string {
  return `${name}:${name.length + value.length > 74 ? fold : ' '}${value}`;
}

/** The date of a header (RFC 5322, 3.3). */
function toHeaderDate(ms: number): string {
  return new Date(isoTime(ms)).toUTCString().replace('GMT', '+0000');
}

/**
 * Writes an e-mail as a MIME message with a text part and an HTML part. The Message-ID is the same for each attempt.
 * @throws EmailError for an address that is none
 */
export function toMime(message: EmailMessage, from: Mailbox, now: number): string {
  const { to, subject, text, html, messageId } = message;
  const domain = from.email.slice(from.email.indexOf('@') + 1);
  const part = (type: string, content: string) => [
    `--${boundary}`,
    `Content-Type: ${type}; charset=utf-8`,
    'Content-Transfer-Encoding: quoted-printable',
    '',
    toQuotedPrintable(content),
  ];
  return [
    `From: ${toMailboxText(from)}`,
    `To: ${toMailboxText(to)}`,
    `Subject: ${isPlain(subject) ? subject : toEncodedWords(subject)}`,
    `Date: ${toHeaderDate(now)}`,
    `Message-ID: <${messageId}@${domain}>`,
    ...Object.entries(headersOf(message)).map(toHeader),
    'MIME-Version: 1.0',
    `Content-Type: multipart/alternative; boundary="${boundary}"`,
    '',
    ...part('text/plain', text),
    ...part('text/html', html),
    `--${boundary}--`,
    '',
  ].join('\r\n');
}
