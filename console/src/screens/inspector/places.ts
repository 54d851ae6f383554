/** Whose id the key of a document is. */
type Owner = 'user' | 'item' | 'order' | 'ticket';

/** Whose id names the documents of each read model; `all` names the one document of everybody. */
const owners: Readonly<Record<string, readonly (Owner | 'all')[]>> = {
  user: ['user'],
  access: ['user'],
  settings: ['user'],
  'api-keys': ['user'],
  'user-list': ['all'],
  item: ['item'],
  'item-lists': ['user', 'all'],
  order: ['order'],
  'order-lists': ['user', 'all'],
  ticket: ['ticket'],
  'staff-ticket': ['ticket'],
  'ticket-lists': ['user'],
  'staff-ticket-lists': ['all'],
  'ticket-dashboard': ['all'],
  'sales-dashboard': ['all'],
};

const screens: Readonly<Record<Owner, string>> = { user: 'people', item: 'items', order: 'orders', ticket: 'tickets' };

/** Where else a document leads to. */
export interface Places {
  /** The thing or the person whose id the key is, with its screen; undefined for the documents of everybody. */
  thing: { owner: Owner; screen: string } | undefined;
  /** The other read models that have a document with this key. */
  others: readonly string[];
}

/** The screen of a document. */
export const inspectorOf = (view: string, key: string) => `/console/read-models/${view}/${encodeURIComponent(key)}`;

/** Finds where else a document leads to. */
export function placesOf(view: string, key: string): Places {
  const owner = key === 'all' ? 'all' : owners[view]?.find((one) => one !== 'all');
  const others = Object.keys(owners).filter((name) => name !== view && owner && owners[name]?.includes(owner));
  if (!owner || owner === 'all') return { thing: undefined, others };
  return { thing: { owner, screen: `/console/${screens[owner]}/${key}` }, others };
}

/** The key in what somebody has typed or pasted, which can be the address of a screen. */
export function keyIn(text: string): string {
  const [path = ''] = text.trim().split(/[?#]/);
  return path.replace(/\/+$/, '').split('/').at(-1)?.toLowerCase() ?? '';
}
