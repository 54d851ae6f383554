import { type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { api } from './api';

/** How many names are kept: more than a screen shows, because it would read those that were dropped again and again. */
const most = 2_000;

/** How many names one request reads. */
const mostAtOnce = 100;

/** The name of an account; undefined until it is read, and null for an account that was deleted. */
type Name = string | null | undefined;

const known = new Map<string, Signal<Name>>();

/** The names that the next request reads. */
let wanted = new Map<string, Signal<Name>>();

/** Keeps a name that another answer of the API had. */
export function learnName(id: string, name: string): void {
  const found = known.get(id);
  if (found) found.value = name;
  else keep(id, signal<Name>(name));
}

/** The name of an account, which is read once for all screens, together with the others that a screen shows. */
export function nameOf(id: string): ReadonlySignal<Name> {
  const found = known.get(id);
  if (found) return found;
  const name = signal<Name>(undefined);
  keep(id, name);
  // A word in an address that is no id would have the names beside it refused.
  if (!/^[\da-f-]{36}$/i.test(id)) return name;
  if (wanted.size === 0) setTimeout(readWanted);
  wanted.set(id, name);
  if (wanted.size === mostAtOnce) void readWanted();
  return name;
}

function keep(id: string, name: Signal<Name>): void {
  const [first] = known.keys();
  if (known.size >= most && first !== undefined) known.delete(first);
  known.set(id, name);
}

/** Reads names by the list, which leaves out deleted accounts: a request for one of them would be one that fails. */
async function readWanted(): Promise<void> {
  const asked = wanted;
  if (asked.size === 0) return;
  wanted = new Map();
  try {
    const query = { ids: [...asked.keys()].join(), limit: `${mostAtOnce}` } as const;
    const { data } = await (await api().users.$get({ query })).json();
    for (const { id, name } of data) learnName(id, name);
    for (const name of asked.values()) name.value ??= null;
  } catch {
    // The next one who asks tries again.
    for (const id of asked.keys()) known.delete(id);
  }
}
