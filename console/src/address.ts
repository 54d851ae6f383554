import { useLocation } from 'preact-iso';

/**
 * The state of a screen that stands in its address, so that a link leads to it: the filters of a list, or the open tab.
 * `set` replaces the entry of the history; an empty value leaves its name out.
 */
export function useAddress<Name extends string>() {
  const { path, query, route } = useLocation();
  return {
    query: query as Partial<Record<Name, string>>,
    set(changes: Partial<Record<Name, string>>) {
      const all = Object.entries({ ...query, ...changes }).filter(([, value]) => value);
      const search = new URLSearchParams(all as [string, string][]).toString();
      route(search ? `${path}?${search}` : path, true);
    },
  };
}
