/** How often each kind of fault met each step of the protocols, and how often each limit was reached. */
export class Coverage {
  readonly cells = new Map<string, Map<string, number>>();

  count(kind: string, step: string, times = 1): void {
    let row = this.cells.get(kind);
    if (!row) {
      row = new Map();
      this.cells.set(kind, row);
    }
    row.set(step, (row.get(step) ?? 0) + times);
  }

  add(other: Coverage): void {
    for (const [kind, row] of other.cells) for (const [step, times] of row) this.count(kind, step, times);
  }

  of(kind: string, step: string): number {
    return this.cells.get(kind)?.get(step) ?? 0;
  }

  /** One line for each kind: the kind, and how often it met each step. */
  describe(): string {
    const lines = [...this.cells].sort().map(([kind, row]) => {
      const steps = [...row].sort().map(([step, times]) => (step ? `${step} ${times}` : `${times}`));
      return `${kind}: ${steps.join(', ')}`;
    });
    return lines.join('\n');
  }
}
