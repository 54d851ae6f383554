// Runs one command line of `npm run ops`.
import type { Client } from '../../src/client';
import { describeFailure, type ExitCode, exitCodes } from '../failures';
import { printable, printableJson } from '../printable';
import type { Answer } from './command';
import { parseCall, type Request } from './parse';
import { helpOn } from './usage';

/** What a command line needs of the world. */
export interface Surroundings {
  url: string;
  /** A client without an account. */
  client: Client;
  /** Runs work with a client that is signed in; the work may be run again, when a kept session has ended. */
  withSession(work: (client: Client) => Promise<unknown>): Promise<void>;
  /** Print a text and the end of its last line. */
  out(text: string): void;
  err(text: string): void;
}

/** Carries out a command line, prints its answer, and returns the exit code. */
export async function runOps(argv: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const isJson = argv.includes('--json');
  try {
    const request = parseCall(argv);
    if ('helpOn' in request) {
      surroundings.out(helpOn(request.helpOn));
      return exitCodes.done;
    }
    const { json, text, hasFailed } = await answer(request, surroundings);
    surroundings.out(isJson ? printableJson(json) : printable(text));
    return hasFailed ? exitCodes.refused : exitCodes.done;
  } catch (error) {
    const { code, text, problem } = describeFailure(error, surroundings.url);
    const help = code === exitCodes.wrongUsage ? '\nSee `npm run ops -- --help`.' : '';
    surroundings.err(isJson ? printableJson(problem) : printable(`${text}${help}`));
    return code;
  }
}

type Call = Exclude<Request, { helpOn: unknown }>;

async function answer({ command, values }: Call, { url, client, withSession }: Surroundings): Promise<Answer> {
  if (command.isPublic) return command.run({ url, api: client.api }, values);
  let answer: Answer | undefined;
  await withSession(async ({ api }) => {
    answer = await command.run({ url, api }, values);
  });
  if (!answer) throw new Error('The command gave no answer.');
  return answer;
}
