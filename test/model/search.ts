/** A step from one state to the next. */
export interface Move<State> {
  name: string;
  next: State;
}

export interface Model<State> {
  start: State;
  /** The same text for states after which the same can happen. */
  keyOf(state: State): string;
  moves(state: State): Promise<Move<State>[]>;
  /** What is wrong with a state; undefined for a state without a fault. */
  findFault(state: State): string | undefined;
  /** Whether the history may end in this state. */
  isGoodEnd(state: State): boolean;
}

export interface SearchResult {
  states: number;
  transitions: number;
  /** The shortest path to a state with a fault, or to a state from which no good end can be reached. */
  counterexample: { fault: string; path: string[] } | undefined;
}

/** Visits every state that can be reached, breadth first, so that a counterexample is a shortest one. */
export async function search<State>(model: Model<State>): Promise<SearchResult> {
  const ids = new Map<string, number>([[model.keyOf(model.start), 0]]);
  /** The states that are still to be visited, by their ids. */
  const waiting = new Map<number, State>([[0, model.start]]);
  const cameFrom: number[] = [-1];
  const cameBy: string[] = [''];
  const edges: { from: number[]; to: number[] } = { from: [], to: [] };
  const good: number[] = [];

  function pathTo(id: number): string[] {
    const path: string[] = [];
    for (let at = id; at > 0; at = cameFrom[at] ?? 0) path.unshift(cameBy[at] ?? '');
    return path;
  }

  const result = (counterexample: SearchResult['counterexample']) => ({
    states: ids.size,
    transitions: edges.to.length,
    counterexample,
  });

  // The loop visits entries in the order of insertion, and also the entries that are added during the loop.
  for (const [id, state] of waiting) {
    waiting.delete(id);
    const fault = model.findFault(state);
    if (fault) return result({ fault, path: pathTo(id) });
    if (model.isGoodEnd(state)) good.push(id);
    for (const { name, next } of await model.moves(state)) {
      const key = model.keyOf(next);
      let nextId = ids.get(key);
      if (nextId === undefined) {
        nextId = ids.size;
        ids.set(key, nextId);
        waiting.set(nextId, next);
        cameFrom.push(id);
        cameBy.push(name);
      }
      edges.from.push(id);
      edges.to.push(nextId);
    }
  }
  const stuck = findUnreaching(ids.size, edges, good);
  return result(stuck === undefined ? undefined : { fault: 'no good end can be reached', path: pathTo(stuck) });
}

/** Finds the first state from which no good end can be reached. */
function findUnreaching(size: number, { from, to }: { from: number[]; to: number[] }, good: number[]) {
  const firstEdge = new Int32Array(size + 1);
  for (const target of to) firstEdge[target + 1] = (firstEdge[target + 1] ?? 0) + 1;
  for (let id = 0; id < size; id++) firstEdge[id + 1] = (firstEdge[id + 1] ?? 0) + (firstEdge[id] ?? 0);
  const next = firstEdge.slice();
  const before = new Int32Array(to.length);
  for (const [edge, target] of to.entries()) {
    const place = next[target] ?? 0;
    before[place] = from[edge] ?? 0;
    next[target] = place + 1;
  }
  const reaches = new Uint8Array(size);
  for (const id of good) reaches[id] = 1;
  for (let id = good.pop(); id !== undefined; id = good.pop()) {
    for (const earlier of before.subarray(firstEdge[id], firstEdge[id + 1])) {
      if (reaches[earlier]) continue;
      reaches[earlier] = 1;
      good.push(earlier);
    }
  }
  const stuck = reaches.indexOf(0);
  return stuck < 0 ? undefined : stuck;
}
