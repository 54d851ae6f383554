// The e-mails that `npm run dev` prints, kept in a file beside its database: so a script can follow their links, as people do.
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

/** The e-mails of the `npm run dev` of this folder, since its start. */
const emailsPath = '.wrangler/dev-emails.txt';

/** An e-mail as it was printed. */
export interface PrintedEmail {
  /** The address alone. */
  to: string;
  subject: string;
  /** All headers by their names in lower case. */
  headers: Readonly<Record<string, string>>;
  text: string;
}

/** Makes a filter for the lines that belong to the frame of an e-mail; with several Workers each line names one first. */
function createFrameFilter(): (line: string) => string | undefined {
  let isInFrame = false;
  return (coloured) => {
    const line = stripVTControlCharacters(coloured).replace(/^\[[\w-]+\] /, '');
    const isPart = isInFrame || line.startsWith('┌─ e-mail');
    isInFrame = isPart && !line.startsWith('└');
    return isPart ? line : undefined;
  };
}

/** Begins the file anew, and makes what adds the e-mails among the lines that it is told. */
export function createEmailKeeper(path = emailsPath): (line: string) => void {
  mkdirSync(dirname(path), { recursive: true });
  // E-mails have secret links, so nobody else may read the file.
  writeFileSync(path, '', { mode: 0o600 });
  const partOf = createFrameFilter();
  return (line) => {
    const part = partOf(line);
    if (part !== undefined) appendFileSync(path, `${part}\n`);
  };
}

/** Reads the e-mails that were kept, oldest first; one that is being printed is left out. */
export function readPrintedEmails(path = emailsPath): PrintedEmail[] {
  if (!existsSync(path)) return [];
  const [, ...frames] = readFileSync(path, 'utf8').split(/^┌.*\n/m);
  return frames.filter((frame) => /^└/m.test(frame)).map(parseFrame);
}

function parseFrame(frame: string): PrintedEmail {
  const lines = frame
    .split('\n')
    .filter((line) => line.startsWith('│'))
    .map((line) => line.slice(2));
  const end = lines.indexOf('');
  const headers = Object.fromEntries(
    lines.slice(0, end).map((line) => {
      const [, name = '', value = ''] = /^([\w-]+):\s*(.*)$/.exec(line) ?? [];
      return [name.toLowerCase(), value];
    }),
  );
  const { to = '', subject = '' } = headers;
  return { to: /<(.+)>$/.exec(to)?.[1] ?? to, subject, headers, text: lines.slice(end + 1).join('\n') };
}
