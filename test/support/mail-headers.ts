import parseAddresses from 'nodemailer/lib/addressparser';

/** Decodes the encoded words of a header (RFC 2047); the white space between two of them is no part of the text. */
function decodeWords(text: string): string {
  return text
    .replace(/(\?=)\s+(?==\?)/g, '$1')
    .replace(/=\?UTF-8\?B\?([^?]*)\?=/gi, (_, encoded: string) => Buffer.from(encoded, 'base64').toString('latin1'))
    .replace(/[\x80-\xff]+/g, (bytes) => Buffer.from(bytes, 'latin1').toString('utf8'));
}

export interface MailHeaders {
  /** The names of all header fields, in their order. */
  names: string[];
  subject: string;
  from: { name: string; address: string }[];
  to: { name: string; address: string }[];
}

/** Parses the headers of a mail as it arrived, with the address parser of nodemailer. */
export function parseHeaders(raw: string): MailHeaders {
  const [head = ''] = raw.split('\r\n\r\n', 1);
  const fields = head
    .replace(/\r\n[ \t]/g, ' ')
    .split('\r\n')
    .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()] as const);
  const textOf = (name: string) => fields.find(([field]) => field === name)?.[1] ?? '';
  const mailboxes = (name: string) =>
    parseAddresses(textOf(name), { flatten: true }).map((mailbox) => ({
      name: decodeWords(mailbox.name),
      address: mailbox.address,
    }));
  return {
    names: fields.map(([name]) => name),
    subject: decodeWords(textOf('Subject')),
    from: mailboxes('From'),
    to: mailboxes('To'),
  };
}
