// The one table of all commands: parsing, checks and help derive from it.
import type { Command, Group } from './command';
import { dashboards } from './dashboards';
import { deliveryCommands } from './deliveries';
import { inspection } from './inspection';
import { items } from './items';
import { keys } from './keys';
import { orders } from './orders';
import { readModels } from './projections';
import { system } from './system';
import { tickets } from './tickets';
import { users } from './users';

interface NamedGroup {
  says: string;
  /** The word before each of its commands. */
  word?: string;
  commands: Group;
}

/** The groups of commands, in the order of the help. */
export const groups: readonly NamedGroup[] = [
  { word: 'tickets', says: 'The support desk', commands: tickets },
  { word: 'orders', says: 'Orders', commands: orders },
  { word: 'items', says: 'Items', commands: items },
  { word: 'users', says: 'Accounts', commands: users },
  { word: 'keys', says: 'API keys', commands: keys },
  { word: 'dashboard', says: 'Figures', commands: dashboards },
  { says: 'The system', commands: system },
  { says: 'Read models', commands: readModels },
  { says: 'A look into one thing', commands: inspection },
  { says: 'Work that waits, and work that is given up', commands: deliveryCommands },
];

const nameIn = (word: string | undefined, name: string) => (word === undefined ? name : `${word} ${name}`);

/** The commands of a group with their whole names. */
export const commandsOf = ({ word, commands }: NamedGroup): [string, Command][] =>
  Object.entries(commands).map(([name, command]) => [nameIn(word, name), command]);

/** Every command by its whole name, such as `tickets list`. */
export const commands: ReadonlyMap<string, Command> = new Map(groups.flatMap(commandsOf));

/** The group whose commands begin with a word. */
export const groupOf = (word: string) => groups.find((group) => group.word === word);
