import { useComputed, useSignal } from '@preact/signals';
import { now } from '../clock';
import { format } from '../language';

/** How long ago something was; a pointer on it shows the time. */
export function Ago({ time }: { time: string }) {
  const shown = useSignal(time);
  shown.value = time;
  const ago = useComputed(() => format.value.ago(Math.max(0, (now.value - Date.parse(shown.value)) / 1000)));
  return (
    <time dateTime={time} title={format.value.time(time)}>
      {ago}
    </time>
  );
}
