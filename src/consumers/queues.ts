/** The names of the queues, as wrangler.toml has them. */
export const queueNames = {
  projections: 'frontdesk-projections',
  emails: 'frontdesk-emails',
  analytics: 'frontdesk-analytics',
  rebuilds: 'frontdesk-rebuilds',
  deadLetters: 'frontdesk-dead-letters',
} as const;
