/** The names of the queues; wrangler.toml has the same names. */
export const queueNames = {
  projections: 'frontdesk-projections',
  emails: 'frontdesk-emails',
  analytics: 'frontdesk-analytics',
  rebuilds: 'frontdesk-rebuilds',
  deadLetters: 'frontdesk-dead-letters',
} as const;
