import { isoTime } from '../platform/clock';
import type { Mailbox } from './email-config';
import type { EmailMessage } from './email-sender';

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

/** Encodes a header's text: ASCII as it is, any other text as encoded words (RFC 2047) of up to 75 characters. */
function toHeaderText(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text) && !text.includes('=?')) return text;
  const words: string[] = [];
  let bytes: number[] = [];
  for (const character of text) {
    const encoded = encoder.encode(character);
    if (bytes.length + encoded.length > 45) {
      words.push(String.fromCharCode(...bytes));
      bytes = [];
    }
    bytes.push(...encoded);
  }
  words.push(String.fromCharCode(...bytes));
  return words.map((word) => `=?UTF-8?B?${btoa(word)}?=`).join('\r\n ');
}

function toMailboxText({ name, email }: { name?: string; email: string }): string {
  if (name === undefined) return `<${email}>`;
  const encoded = toHeaderText(name);
  const phrase = encoded === name ? `"${name.replace(/["\\]/g, '\\$&')}"` : encoded;
  return `${phrase} <${email}>`;
}

/** The date of a header (RFC 5322, 3.3). */
function toHeaderDate(ms: number): string {
  return new Date(isoTime(ms)).toUTCString().replace('GMT', '+0000');
}

/** Writes an e-mail as a MIME message with a text part and an HTML part. The Message-ID is the same for each attempt. */
export function toMime({ to, subject, text, html, messageId }: EmailMessage, from: Mailbox, now: number): string {
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
    `Subject: ${toHeaderText(subject)}`,
    `Date: ${toHeaderDate(now)}`,
    `Message-ID: <${messageId}@${domain}>`,
    'MIME-Version: 1.0',
    `Content-Type: multipart/alternative; boundary="${boundary}"`,
    '',
    ...part('text/plain', text),
    ...part('text/html', html),
    `--${boundary}--`,
    '',
  ].join('\r\n');
}
