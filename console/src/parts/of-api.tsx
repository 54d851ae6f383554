import { useEffect } from 'preact/hooks';
import { format, say, texts, useMoreTexts } from '../language';

/** The facts that the API sends with a problem or an issue, by their names. */
export type Details = Readonly<Record<string, unknown>>;

/** The details as people read them. */
function write(details: Details): Record<string, string> {
  const { duration, number } = format.value;
  const all = Object.entries(details).map(([name, value]) => {
    if (typeof value !== 'number') return [name, String(value)];
    return [name, name.toLowerCase().endsWith('seconds') ? duration(value) : number(value)];
  });
  return Object.fromEntries(all);
}

/** A sentence of the API, in the person's language if the console knows one for its code, or else as the API says it. */
export function OfApi({
  code,
  details = {},
  children,
}: {
  code: string;
  details?: Details | undefined;
  children: string;
}) {
  const { api } = texts.value;
  useEffect(() => {
    // If these texts cannot be loaded, the English of the API is shown.
    if (!api) useMoreTexts('api').catch(() => undefined);
  }, []);
  const own = api?.[code];
  if (own === undefined) return <span lang="en">{children}</span>;
  return <span>{say<string>(own, write(details))}</span>;
}
