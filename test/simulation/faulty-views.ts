import { sql } from 'drizzle-orm';
import type * as Views from '../../src/cqrs/reading/view';

type ViewModule = typeof Views;
type View = ReturnType<ViewModule['defineView']>;
type Definition = Parameters<ViewModule['defineView']>[0];

/** How the code of a view fails on one document: its query cannot be made, SQLite refuses it, or its rows are not understood. */
export const faultKinds = ['no query', 'refused query', 'no document'] as const;
export type FaultKind = (typeof faultKinds)[number];

/** The documents on which the code of a version fails now: `1 order:…` for a document of version 1. */
const faulty = new Map<string, FaultKind>();

/** The error of code that fails on a document. */
const defect = () => new TypeError('A simulated defect: the code fails on this document.');

function says(error: unknown, pattern: RegExp): boolean {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (pattern.test(current.message)) return true;
  }
  return false;
}

/** Whether an error comes from a simulated defect of the code or of a row. */
export function isSimulatedDefect(error: unknown): boolean {
  return isBrokenRow(error) || says(error, /simulated defect|malformed JSON/);
}

/** Whether an error comes from a row of D1 that was made unreadable. */
export function isBrokenRow(error: unknown): boolean {
  return says(error, /"not JSON/);
}

/** Makes the code of these versions fail on a document. */
export function breakDocument(releases: readonly number[], document: string, kind: FaultKind): void {
  for (const release of releases) faulty.set(`${release} ${document}`, kind);
}

/** Deploys corrected code. */
export function correctDocuments(): void {
  faulty.clear();
}

/** Makes the views of a version fail where they are told to. */
export function makeFaulty(release: number, { defineView }: Pick<ViewModule, 'defineView'>): ViewModule['defineView'] {
  const define = (definition: Definition): View => {
    const { name } = definition;
    const faultOf = (key: string) => faulty.get(`${release} ${name}:${key}`);
    const view = defineView(definition);
    return {
      ...view,
      query(db, keys) {
        const faults = keys.map(faultOf);
        if (faults.includes('no query')) throw defect();
        if (!faults.includes('refused query')) return view.query(db, keys);
        return db.select({ refused: sql<number>`json_extract('{', '$.a')` }).from(sql`(SELECT 1)`);
      },
      toDocument(rowsOf, key) {
        if (faultOf(key) !== undefined) throw defect();
        return view.toDocument(rowsOf, key);
      },
    };
  };
  return define as ViewModule['defineView'];
}
