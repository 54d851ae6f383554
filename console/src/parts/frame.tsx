import type { ComponentChildren } from 'preact';
import { useLocation } from 'preact-iso';
import { useAction } from '../act';
import { texts } from '../language';
import { hasNewerVersion } from '../newer-version';
import { sections } from '../sections';
import { end, isAdmin, person } from '../session';
import { Freshness } from './freshness';

function Navigation() {
  const { path } = useLocation();
  const shown = sections.filter(({ isForAdmins }) => isAdmin.value || !isForAdmins);
  const isCurrent = (section: string) => path === section || (section !== '/console' && path.startsWith(`${section}/`));
  return (
    <nav aria-label={texts.value.navigation}>
      {shown.map(({ name, path: target }) => (
        <a key={name} href={target} aria-current={isCurrent(target) ? 'page' : undefined}>
          {texts.value.sections[name]}
        </a>
      ))}
    </nav>
  );
}

/** What surrounds every screen: the navigation, the person, and how fresh the data is. */
export function Frame({ children }: { children: ComponentChildren }) {
  const signOut = useAction(end);
  const { name, role } = person.value;
  return (
    <>
      <a class="skip" href="#content">
        {texts.value.skip}
      </a>
      <header>
        <strong>{texts.value.console}</strong>
        <Navigation />
        <p class="person">
          {name} <span class="quiet">{texts.value.role[role]}</span>
          <button type="button" disabled={signOut.isRunning.value} onClick={() => void signOut.run()}>
            {texts.value.signOut}
          </button>
        </p>
      </header>
      {hasNewerVersion.value && (
        <p class="newer" role="status">
          {texts.value.newer}{' '}
          <button type="button" onClick={() => location.reload()}>
            {texts.value.reload}
          </button>
        </p>
      )}
      <main id="content" tabIndex={-1}>
        {children}
      </main>
      <footer>
        <Freshness />
      </footer>
    </>
  );
}
