import type { Process } from './process';

/** Something that a process waits for. `orphan` runs instead of `start` when the process dies first. */
export interface Operation {
  process: Process;
  step: string;
  /** Whether its service goes on answering while a long time passes. */
  isPrompt: boolean;
  start(): void;
  orphan(): void;
}

/** The operations in progress, which take effect in an order that chance decides. */
export class Operations {
  readonly #list: Operation[] = [];

  get count(): number {
    return this.#list.length;
  }

  add(operation: Operation): void {
    this.#list.push(operation);
  }

  isWaiting(process: Process): boolean {
    return this.#list.some((operation) => operation.process === process);
  }

  /** Takes the operation at a place out of the list. The order of the others does not matter. */
  take(index: number): Operation | undefined {
    const operation = this.#list[index];
    const last = this.#list.pop();
    if (operation && last && operation !== last) this.#list[index] = last;
    return operation;
  }

  /** Takes the first operation of a prompt service, or of any service. */
  takePrompt(isAnyPrompt: boolean): Operation | undefined {
    const index = this.#list.findIndex(({ isPrompt }) => isAnyPrompt || isPrompt);
    return index < 0 ? undefined : this.take(index);
  }

  /** Takes all operations of a process, the newest one first. */
  takeAllOf(process: Process): Operation[] {
    const taken: Operation[] = [];
    for (let index = this.#list.length - 1; index >= 0; index--) {
      if (this.#list[index]?.process === process) taken.push(...this.#list.splice(index, 1));
    }
    return taken;
  }
}
