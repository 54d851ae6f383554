import { say, texts } from '../language';

/** A field as people read it: its name, and its value before and after. */
export type Change = readonly [what: string, from: string, to: string];

/** Says that something was not done because somebody else was faster, and what they changed. */
export function ChangedMeanwhile({
  children,
  fields,
  onNoted,
}: {
  children: string;
  /** All fields; those whose value is the same are left out. */
  fields: readonly Change[];
  onNoted: () => void;
}) {
  const text = texts.value.meanwhile;
  const changes = fields.filter(([, from, to]) => from !== to);
  return (
    <div class="problem">
      <div role="alert">
        <p>
          <strong>{children}</strong>
        </p>
        {/* The answer that refused may come before the change can be read. */}
        {changes.length === 0 && <p class="quiet">{text.reading}</p>}
        <ul>
          {changes.map(([what, from, to]) => (
            <li key={what}>{say(text.change, { what, from, to })}</li>
          ))}
        </ul>
      </div>
      <button type="button" onClick={onNoted}>
        {text.noted}
      </button>
    </div>
  );
}
