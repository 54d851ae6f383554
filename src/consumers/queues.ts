/** The names of the queues; wrangler.toml has the same names. */
export const queueNames = {
  projections: 'frontdesk-projections',
  emails: 'frontdesk-emails',
  rebuilds: 'frontdesk-rebuilds',
  deadLetters: 'frontdesk-dead-letters',
} as const;

/**
 * The name in this file of a queue. An installation beside another one in the same account adds a suffix to the names of its
 * queues: `frontdesk-emails-staging`.
 */
export function baseNameOf(queue: string): string {
  return Object.values(queueNames).find((name) => queue === name || queue.startsWith(`${name}-`)) ?? queue;
}
