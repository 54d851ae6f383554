// What `npm run ops -- --help` prints. A command without a summary, or a summary without a command, is an error of types.
import { subscriptions } from '../src/cqrs/log/event';

/** Whose fault a dead letter can be. */
export const faults = ['system', 'recipient'] as const;

/** Each command: what it takes, and what it does; the usage lists them in this order. */
const summaries = {
  ready: ['', 'what keeps the system from being ready; exits with 1 if it is not'],
  metrics: ['', 'figures in the text format of Prometheus'],
  projections: ['', 'how far each read model is, and which keys fail'],
  rebuild: ['VIEW', 'rebuild a read model (`projections` names them), and watch it'],
  rebuilds: ['', 'the latest rebuilds'],
  'cancel-rebuild': ['ID', 'stop a rebuild'],
  erasures: ['', 'deleted accounts of which something is left, and how far their erasure is'],
  deliveries: ['[--subscription S] [--limit N]', 'what waits: since when, with which error, and until when'],
  'dead-letters': [
    '[--subscription S] [--fault F] [--limit N]',
    'what is given up, whose fault that is, and since when',
  ],
  replay: ['ID | --all [--subscription S] [--fault F]', "send a dead letter again, or all that are the system's fault"],
  discard: ['ID', 'give a dead letter up for good'],
  events: [
    '[--stream TYPE/ID] [--actor ID] [--command ID] [--request ID] [--limit N]',
    'the log of all events, newest first',
  ],
} as const;
export type CommandName = keyof typeof summaries;

const summaryColumn = 21;
const commandLines = Object.entries(summaries).map(([name, [takes, summary]]) => {
  const synopsis = `  ${name} ${takes}`.trimEnd();
  const isShort = synopsis.length < summaryColumn;
  return isShort
    ? `${synopsis.padEnd(summaryColumn)}${summary}`
    : `${synopsis}\n${' '.repeat(summaryColumn)}${summary}`;
});

export const usage = `npm run ops -- COMMAND

${commandLines.join('\n')}

S is one of ${subscriptions.join(', ')}.
F is one of ${faults.join(', ')}: an e-mail that its address does not take is the recipient's fault.
It uses the \`npm run dev\` of this folder and the first admin in .dev.vars, unless FRONTDESK_URL (or PORT, for this
machine), FIRST_ADMIN_EMAIL and FIRST_ADMIN_PASSWORD name others. The session is kept in .wrangler/ops-session.json. \`ready\` needs no session.`;
