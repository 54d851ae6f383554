import { useEffect } from 'preact/hooks';
import { texts } from './language';

/** Names the screen in the title of the page, which tabs, the history and screen readers show. */
export function useTitle(title: string | undefined): void {
  const all = title === undefined ? texts.value.console : `${title} · ${texts.value.console}`;
  useEffect(() => {
    document.title = all;
  }, [all]);
}
