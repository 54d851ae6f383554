// The help of `npm run ops`, made of the definitions of the commands.
import type { Command, Flag, Parameter } from './command';
import { commands, commandsOf, groupOf, groups } from './commands';

const column = 25;
/** The overview names no more options than fit beside a command. */
const fewOptions = 1;

/** `orders show ORDER`: what is typed. Many options are one word, and the help of the command explains each of them. */
function synopsis(name: string, { takes = {}, options = {} }: Command): string {
  const standIns = new Set(Object.values(takes).map(({ unless }) => unless));
  const words = Object.values(takes).map(({ placeholder, unless }) => {
    return unless === undefined ? placeholder : `${placeholder} | --${unless}`;
  });
  const named = Object.entries(options).filter(([option]) => !standIns.has(option));
  const rest = named.length > fewOptions ? ['OPTIONS'] : named.map(nameOf);
  return [name, ...words, ...rest.map((option) => `[${option}]`)].join(' ');
}

const nameOf = ([option, { placeholder }]: [string, Parameter<unknown> | Flag]) =>
  placeholder === undefined ? `--${option}` : `--${option} ${placeholder}`;

/** A term and what it means, in two columns; a long term has a line of its own. */
function explain(term: string, says: string): string {
  const start = `  ${term}`;
  return start.length < column ? `${start.padEnd(column)}${says}` : `${start}\n${' '.repeat(column)}${says}`;
}

const explainCommand = ([name, command]: [string, Command]) => explain(synopsis(name, command), command.says);

const json = explain('--json', 'prints the document of the API and nothing else, for scripts');

const everyCommand = [
  json,
  explain('--help', 'explains a command, such as `npm run ops -- tickets reply --help`, or'),
  explain('', 'all commands of a group, such as `npm run ops -- tickets --help`'),
].join('\n');

const surroundings = `Without --json an answer is for people: in English, with times in UTC. A script runs
\`npm run -s ops -- orders list --json\`: without -s npm prints two lines of its own.
With --json a refusal is a problem document (RFC 9457) on the standard error.

Exit codes:
${[
  explain('0', 'it is done'),
  explain('1', 'the API refused it, what was named does not exist, or the system is not'),
  explain('', 'ready; the same command would end so again'),
  explain('2', 'the command line or the environment is wrong, and nothing was done'),
  explain('3', 'no API answered, or it could not do it now (429, 5xx): try again later'),
].join('\n')}

Environment variables:
${[
  explain('FRONTDESK_URL', 'the API (the `npm run dev` of this folder; PORT names another port)'),
  explain('FRONTDESK_TOKEN', 'an API key or an access token, in whose name the commands run'),
  explain('FRONTDESK_EMAIL', 'or the account, together with FRONTDESK_PASSWORD'),
].join('\n')}

Without an account in these variables the commands run as the first admin, whom FIRST_ADMIN_EMAIL
and FIRST_ADMIN_PASSWORD name, in the environment or in .dev.vars. The session of an account is
kept in .wrangler/ops-session.json. \`ready\` needs no account.`;

const everything = () =>
  [
    'npm run ops -- COMMAND',
    ...groups.map((group) => `${group.says}:\n${commandsOf(group).map(explainCommand).join('\n')}`),
    `Every command takes:\n${everyCommand}`,
    surroundings,
  ].join('\n\n');

function ofCommand(name: string, command: Command): string {
  const takes = Object.values(command.takes ?? {}).map(({ placeholder, says }) => explain(placeholder, says));
  const options = Object.entries(command.options ?? {}).map((option) => explain(nameOf(option), option[1].says));
  const parts = [...takes, ...options, ...(command.isText ? [] : [json])];
  const who = command.isPublic ? [] : [account];
  return [`npm run ops -- ${synopsis(name, command)}`, `  ${command.says}`, parts.join('\n'), ...who]
    .join('\n\n')
    .trimEnd();
}

const account = `In whose name: FRONTDESK_TOKEN, or FRONTDESK_EMAIL and FRONTDESK_PASSWORD;
\`npm run ops -- --help\` tells more.`;

/** The help on a command, on a group, or on everything. */
export function helpOn(words: readonly string[]): string {
  const name = words.slice(0, 2).join(' ');
  const [first = ''] = words;
  const command = commands.get(name) ?? commands.get(first);
  if (command) return ofCommand(commands.has(name) ? name : first, command);
  const group = groupOf(first);
  if (group)
    return commandsOf(group)
      .map((each) => ofCommand(...each))
      .join('\n\n');
  return everything();
}
