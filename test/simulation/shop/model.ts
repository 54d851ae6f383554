import { accountRules } from './model-accounts';
import { deskRules } from './model-desk';
import { operationsRules } from './model-operations';
import { shopRules } from './model-shop';
import type { Chosen, ModelRequest, Outcome, Rule } from './rule';
import type { State } from './state';

// The reference model: what each command may do in a state, in the simplest form that is right. Only names (of commands,
// of events, of error codes) are shared with the code; no rule is.

const rules: Readonly<Record<string, Rule>> = { ...accountRules, ...shopRules, ...deskRules, ...operationsRules };

/** Every outcome of a command that is right in this state. Only the work of operators has more than one. */
export function outcomesOf(state: State, request: ModelRequest, chosen: Chosen): readonly Outcome[] {
  const rule = rules[request.name];
  if (!rule) throw new Error(`The model has no rule for the command ${request.name}: add one.`);
  const outcomes = rule(state, request, chosen);
  return 'length' in outcomes ? outcomes : [outcomes];
}
