import { textsOf } from '../language';

const english = {
  reading: 'What changed is being read …',
  noted: 'Got it',
  change: (what: string, from: string, to: string) => `${what}: “${from}” became “${to}”.`,
};

const texts = textsOf<typeof english>({
  english,
  german: {
    reading: 'Was sich geändert hat, wird gelesen …',
    noted: 'Verstanden',
    change: (what, from, to) => `${what}: aus „${from}“ wurde „${to}“.`,
  },
});

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
  const text = texts.value;
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
          {changes.map((change) => (
            <li key={change[0]}>{text.change(...change)}</li>
          ))}
        </ul>
      </div>
      <button type="button" onClick={onNoted}>
        {text.noted}
      </button>
    </div>
  );
}
