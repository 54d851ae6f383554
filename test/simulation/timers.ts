/** Something that happens at a time. */
export interface Timer {
  at: number;
  order: number;
  run(): void;
  isRemoved?: boolean;
}

/** The timers, the next one first (a binary heap). Timers of the same time run in the order in which they were set. */
export class Timers {
  readonly #heap: Timer[] = [];
  #set = 0;

  get next(): Timer | undefined {
    while (this.#heap[0]?.isRemoved) this.removeNext();
    return this.#heap[0];
  }

  #isBefore(first: number, second: number): boolean {
    const [a, b] = [this.#heap[first], this.#heap[second]];
    if (!a || !b) return a !== undefined;
    return a.at < b.at || (a.at === b.at && a.order < b.order);
  }

  #swap(first: number, second: number): void {
    const [a, b] = [this.#heap[first], this.#heap[second]];
    if (!a || !b) return;
    this.#heap[first] = b;
    this.#heap[second] = a;
  }

  add(at: number, run: () => void): Timer {
    const timer: Timer = { at, order: ++this.#set, run };
    let index = this.#heap.push(timer) - 1;
    for (let parent = (index - 1) >> 1; index > 0 && this.#isBefore(index, parent); parent = (index - 1) >> 1) {
      this.#swap(index, parent);
      index = parent;
    }
    return timer;
  }

  /** Removes a timer that has not run: it stays in the heap until it is the next one. */
  remove(timer: Timer): void {
    timer.isRemoved = true;
  }

  removeNext(): void {
    const last = this.#heap.pop();
    if (!last || this.#heap.length === 0) return;
    this.#heap[0] = last;
    for (let index = 0; ; ) {
      const child = this.#isBefore(2 * index + 2, 2 * index + 1) ? 2 * index + 2 : 2 * index + 1;
      if (!this.#isBefore(child, index)) return;
      this.#swap(index, child);
      index = child;
    }
  }
}
