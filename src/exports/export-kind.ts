/** What can be exported: three tables for reporting, and all of one account. */
export const exportKinds = ['orders', 'tickets', 'events', 'account'] as const;
export type ExportKind = (typeof exportKinds)[number];
