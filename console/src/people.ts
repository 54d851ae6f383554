import { type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { api } from './api';
import { isMissing } from './read';

/** How many names are kept: more than a screen shows, because it would read those that were dropped again and again. */
const most = 2_000;

/** The name of an account; undefined until it is read, and null for an account that was deleted. */
type Name = string | null | undefined;

const known = new Map<string, Signal<Name>>();

/** Keeps a name that another answer of the API had. */
export function learnName(id: string, name: string): void {
  const found = known.get(id);
  if (found) found.value = name;
  else keep(id, signal<Name>(name));
}

/** The name of an account, which is read once for all screens. */
export function nameOf(id: string): ReadonlySignal<Name> {
  const found = known.get(id);
  if (found) return found;
  const name = signal<Name>(undefined);
  keep(id, name);
  void read(id, name);
  return name;
}

function keep(id: string, name: Signal<Name>): void {
  const [first] = known.keys();
  if (known.size >= most && first !== undefined) known.delete(first);
  known.set(id, name);
}

async function read(id: string, name: Signal<Name>): Promise<void> {
  try {
    name.value = (await (await api().users[':id'].$get({ param: { id } })).json()).name;
  } catch (error) {
    if (isMissing(error)) name.value = null;
    // The next one who asks tries again.
    else known.delete(id);
  }
}
