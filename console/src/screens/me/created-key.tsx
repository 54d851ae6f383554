import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { useAction } from '../../act';
import { say, texts } from '../../language';
import { keepDraft } from '../../newer-version';
import { ActionButton } from '../../parts/action-button';

/** A key that was just created. */
export interface CreatedKey {
  name: string;
  key: string;
}

/** Shows a new key this once. A newer version of the console waits until it is stored. */
export function Created({ created: { name, key }, onStored }: { created: CreatedKey; onStored: () => void }) {
  const text = texts.value.me.keys;
  const title = useRef<HTMLHeadingElement>(null);
  const isCopied = useSignal(false);
  useEffect(keepDraft, []);
  useEffect(() => title.current?.focus(), []);
  const copy = useAction(async () => {
    await navigator.clipboard.writeText(key);
    isCopied.value = true;
  });
  return (
    <section class="panel" aria-labelledby="created">
      <h3 id="created" ref={title} tabIndex={-1}>
        {say(text.made, { name })}
      </h3>
      <p>{text.once}</p>
      <p>
        <code class="key">{key}</code>
      </p>
      <div class="buttons">
        <ActionButton label={text.copy} action={copy} isMain />
        <button type="button" onClick={onStored}>
          {text.stored}
        </button>
        <span role="status">{isCopied.value && text.copied}</span>
      </div>
    </section>
  );
}
