const canHaveFocus = 'button:enabled, a[href], input:enabled, select:enabled, textarea:enabled, summary';

/**
 * Remembers where the focus is, for an action whose button may be disabled meanwhile, or gone afterwards. The function that it
 * returns gives the focus back; if its place is gone, to the nearest thing that is still there, and never to nothing. A focus that
 * somebody has moved stays.
 */
export function holdFocus(): () => void {
  const places: Element[] = [];
  for (let place = document.activeElement; place && place !== document.body; place = place.parentElement)
    places.push(place);
  const isShown = (place: Element) => place.isConnected && place.checkVisibility();
  return () =>
    // What became of the action is on the page after this frame.
    requestAnimationFrame(() => {
      if (document.activeElement !== document.body) return;
      for (const place of places.filter(isShown)) {
        const all =
          place.matches(canHaveFocus) || place.id === 'content' ? [place] : [...place.querySelectorAll(canHaveFocus)];
        const next = all.find(isShown) as HTMLElement | undefined;
        next?.focus();
        if (next) return;
      }
    });
}
