import { type Signal, useSignal, useSignalEffect } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { draftKey } from './draft-storage';
import { keepDraft } from './newer-version';
import { person } from './session';

/**
 * A text that somebody types. This tab remembers it until it is empty or its writer signs out, so that neither a reload nor the
 * end of the session loses it, and shows it to nobody else.
 * @param name names the text; a component keeps its name
 */
export function useDraft(name: string): Signal<string> {
  const key = draftKey(person.value.id, name);
  const draft = useSignal(sessionStorage.getItem(key) ?? '');
  useSignalEffect(() => {
    if (draft.value === '') sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, draft.value);
  });
  const isTyped = draft.value.trim() !== '';
  useEffect(() => (isTyped ? keepDraft() : undefined), [isTyped]);
  return draft;
}
