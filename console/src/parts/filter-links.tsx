import './filters.css';
import { useLocation } from 'preact-iso';
import { format } from '../language';

/** Links to the values of a list's most usual filter, each with how many rows it has. */
export function FilterLinks({
  label,
  name,
  query,
  links,
}: {
  label: string;
  /** The filter's name in the address. */
  name: string;
  /** What else of the address stays, and the present value. */
  query: Readonly<Record<string, string | undefined>>;
  /** The values; an empty one is no filter. */
  links: readonly (readonly [value: string, title: string, count?: number | undefined])[];
}) {
  const { path } = useLocation();
  return (
    <nav class="tabs" aria-label={label}>
      {links.map(([value, title, count]) => {
        const all = Object.entries({ ...query, [name]: value }).filter(([, one]) => one);
        const search = new URLSearchParams(all as [string, string][]);
        return (
          <a
            key={value}
            href={search.size > 0 ? `${path}?${search}` : path}
            aria-current={(query[name] ?? '') === value ? 'page' : undefined}
          >
            {title} {count !== undefined && <span class="count">{format.value.number(count)}</span>}
          </a>
        );
      })}
    </nav>
  );
}
