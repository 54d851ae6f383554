import { isOnline, now } from '../clock';
import { format, say, texts } from '../language';
import { refreshAll, shownReads } from '../read';
import { InspectLink } from './inspect-link';

/** Earlier than every read: nothing has been read. */
const never = Number.NEGATIVE_INFINITY;

/** Says when the screen was last read, how old its oldest data is, and whether it contains what the person has done. */
export function Freshness() {
  const text = texts.value.freshness;
  const reads = shownReads.value;
  if (reads.length === 0) return <p class="freshness">{text.nothing}</p>;
  const secondsSince = (times: readonly (number | undefined)[]) =>
    Math.max(0, (now.value - Math.min(...times.map((time) => time ?? never))) / 1000);
  const read = secondsSince(reads.map(({ readAt }) => readAt.value));
  const age = secondsSince(reads.map(({ asOf }) => asOf.value));
  const isFailing = reads.some(({ error }) => error.value !== undefined);
  const trouble = isOnline.value ? isFailing && text.failing : text.offline;
  const seconds = Number.isFinite(read) ? say(text.read, { ago: format.value.ago(read) }) : text.loading;
  return (
    <p class={trouble ? 'freshness late' : 'freshness'}>
      <span>
        {trouble && <strong>{trouble}</strong>}
        {trouble ? <span>{seconds}</span> : seconds}
        {reads.every(({ isOwn }) => isOwn.value) && <span class="own">{text.own}</span>}
        {Number.isFinite(age) && age - read > 60 && <span>{say(text.old, { ago: format.value.ago(age) })}</span>}
        <InspectLink />
      </span>
      <button
        type="button"
        class="plain"
        onClick={() => void refreshAll()}
        title={text.refresh}
        aria-label={text.refresh}
      >
        ↻
      </button>
    </p>
  );
}
