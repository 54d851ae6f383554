// What a script says when the API refuses something or does not answer, and the exit code that tells other programs.
import { ProblemError } from '../src/client';
import { WrongUsage } from './command-line';

/** The exit codes of a script that uses the API. */
export const exitCodes = { done: 0, refused: 1, wrongUsage: 2, unavailable: 3 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export interface Failure {
  code: ExitCode;
  /** For people. */
  text: string;
  /** For programs: the problem of the API, or one in the same form (RFC 9457) for what never reached it. */
  problem: Readonly<Record<string, unknown>>;
}

const own = (code: ExitCode, title: string, detail: string): Failure => ({
  code,
  text: detail,
  problem: { type: 'about:blank', title, detail },
});

/** Describes why a script could not do its work with the API at an address. */
export function describeFailure(error: unknown, url: string): Failure {
  if (error instanceof WrongUsage) return own(exitCodes.wrongUsage, 'Wrong usage', error.message);
  if (!/^https?:/.test(url) || !URL.canParse(url)) {
    const detail = `"${url}" is not the address of an API. Correct FRONTDESK_URL or PORT, or leave both out.`;
    return own(exitCodes.wrongUsage, 'Wrong usage', detail);
  }
  if (error instanceof ProblemError) return describeRefusal(error);
  if (error instanceof TypeError && error.message === 'fetch failed') {
    const detail = `No API answers at ${url}. Start one with \`npm run dev\`, or set FRONTDESK_URL or PORT.`;
    return own(exitCodes.unavailable, 'No answer', detail);
  }
  return own(exitCodes.refused, 'Not done', error instanceof Error ? error.message : `${error}`);
}

/** A refusal with the fields that are wrong. The typed client has repeated what can be repeated. */
function describeRefusal({ status, message, problem, code }: ProblemError): Failure {
  const wrong = problem?.errors?.map(({ pointer, detail }) => `  ${pointer}: ${detail}`) ?? [];
  const isTemporary = status === 429 || status >= 500;
  return {
    code: isTemporary ? exitCodes.unavailable : exitCodes.refused,
    text: [message, ...wrong].join('\n'),
    // The token endpoint answers in the form of OAuth (RFC 6749), and a proxy in any form.
    problem: problem ?? { type: 'about:blank', title: 'Refused', status, detail: message, code },
  };
}
