/** Every status of a rebuild; tables, schemas and rules use this list. */
export const rebuildStatuses = ['running', 'done', 'cancelled', 'failed'] as const;
export type RebuildStatus = (typeof rebuildStatuses)[number];
