/** What an invariant expects, and what the history holds instead. */
export interface Finding {
  expected: string;
  found: string;
}

/** An invariant that does not hold. The message says what was expected and found, and how to see the history again. */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';

  constructor(
    seed: number,
    readonly finding: Finding,
    options?: ErrorOptions,
  ) {
    const message = `The history of seed ${seed} violates an invariant.
  Expected: ${finding.expected}
  Found: ${finding.found}
  To see this history again, step by step: npm run simulate -- --seed ${seed} --trace`;
    super(message, options);
  }
}
