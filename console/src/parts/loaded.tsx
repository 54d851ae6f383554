import type { ComponentChildren } from 'preact';
import { texts } from '../language';
import type { Read } from '../read';
import { ProblemNotice } from './problem';

/** Shows the data of a read, or that it is loading, or why there is none. Older data stays when a newer try fails. */
export function Loaded<Data>({ read, children }: { read: Read<Data>; children: (data: Data) => ComponentChildren }) {
  const data = read.data.value;
  if (data !== undefined) return <>{children(data)}</>;
  if (read.error.value !== undefined)
    return <ProblemNotice error={read.error.value} retry={() => void read.refresh()} />;
  return <p class="quiet">{texts.value.loading}</p>;
}
