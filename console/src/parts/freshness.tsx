import { isOnline, now } from '../clock';
import { format, say, texts } from '../language';
import { refreshAll, shownReads } from '../read';

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
  function describe() {
    if (!isOnline.value) return text.offline;
    if (isFailing) return text.failing;
    if (!Number.isFinite(read)) return text.loading;
    return say(text.read, { ago: format.value.ago(read) });
  }
  return (
    <p class={isFailing || !isOnline.value ? 'freshness late' : 'freshness'}>
      <span>
        {describe()}
        {reads.every(({ isOwn }) => isOwn.value) && <span class="own">{text.own}</span>}
        {Number.isFinite(age) && age - read > 60 && <span>{say(text.old, { ago: format.value.ago(age) })}</span>}
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
