import './inspector.css';
import { useLocation } from 'preact-iso';
import { texts } from '../../language';
import { inspectorOf, keyIn } from './places';

/** The form that leads to any document. */
export function FindKey({
  views,
  view,
  failing = [],
}: {
  views: readonly string[];
  view?: string;
  failing?: string[];
}) {
  const { route } = useLocation();
  const text = texts.value.inspector.form;
  function find(event: SubmitEvent) {
    event.preventDefault();
    const data = new FormData(event.currentTarget as HTMLFormElement);
    const key = keyIn(String(data.get('key')));
    if (key) route(inspectorOf(String(data.get('view')), key));
  }
  return (
    <form class="find-key" onSubmit={find}>
      <label>
        {text.view}
        <select name="view">
          {views.map((name) => (
            <option key={name} selected={name === view}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label>
        {text.key}
        <input name="key" list="keys" required autocomplete="off" spellcheck={false} aria-describedby="key-hint" />
      </label>
      <button type="submit">{text.submit}</button>
      <p class="hint" id="key-hint">
        {text.hint}
      </p>
      <datalist id="keys">
        {['all', ...failing].map((key) => (
          <option key={key} value={key} />
        ))}
      </datalist>
    </form>
  );
}
