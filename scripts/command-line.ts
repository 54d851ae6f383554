// What every script needs to read its command line and to fail in one line.
import { spawnSync } from 'node:child_process';
import { type ParseArgsConfig, parseArgs } from 'node:util';

/** Ends the program with a message instead of a stack, for a cause that lies outside of the program. */
export function fail(error: unknown): never {
  const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : '';
  console.error(`${error instanceof Error ? error.message : error}${cause}`);
  process.exit(1);
}

/** A call that was typed in a way that the script does not take, or surroundings without what the call needs. */
export class WrongUsage extends Error {}

/** Ends the program for a wrong call, with 2: with the reason, which a page of help would hide, and where the help is. */
export function refuse(reason: unknown, usage: string): never {
  const [command] = /^npm run \S+/.exec(usage) ?? [];
  const text = reason instanceof Error ? reason.message : reason;
  console.error(`${text}\nSee \`${command} -- --help\`.`);
  process.exit(2);
}

/** Reads the options: `--help` prints the usage, a wrong option prints what is wrong; both end the program. */
export function readOptions<Config extends ParseArgsConfig>(usage: string, config: Config) {
  if (process.argv.slice(2).some((argument) => argument === '--help' || argument === '-h')) {
    console.log(usage);
    process.exit();
  }
  try {
    return parseArgs(config);
  } catch (error) {
    // Only the first sentence: the others are advice about `--`, which no script here needs.
    const [reason] = error instanceof Error ? error.message.split(/[.\n]/) : [];
    return refuse(`${reason}.`, usage);
  }
}

/** The whole number that a person typed for `name`, or the end of the program. */
export function readWholeNumber(name: string, text: string, usage: string, max = Number.MAX_SAFE_INTEGER): number {
  const value = /^\d+$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > max) {
    const range = max === Number.MAX_SAFE_INTEGER ? 'of at least 1' : `from 1 to ${max}`;
    refuse(`${name} must be a whole number ${range}, not "${text}".`, usage);
  }
  return value;
}

/** Runs a tool of this project and returns what the tool printed; ends the program when the tool fails. */
export function run(tool: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): string {
  const { status, error, stdout, stderr } = spawnSync(tool, args, { encoding: 'utf8', env });
  if (status !== 0) fail([stdout, stderr, error?.message, `${tool} failed.`].filter(Boolean).join('\n'));
  return stdout;
}
