import { type Chosen, type Done, type Rule, refuse, signedIn } from './rule';

const exported = ({ id }: Chosen): Done => ({
  events: [`DataExported ${id} 1`],
  result: { id, version: 1 },
  effect: (state) => state,
});

/** The rules of exports: the audit trail says that somebody was given data, and nothing else changes. */
export const exportRules: Readonly<Record<string, Rule>> = {
  RecordExport: signedIn((_state, _request, chosen) => exported(chosen), 'admin'),

  RecordAccountExport: signedIn((_, { caller, payload: { userId } }, chosen) =>
    caller.userId === userId || caller.role === 'admin' ? exported(chosen) : refuse('exports.not-yours'),
  ),
};
