import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { texts } from '../language';
import { sections } from '../sections';
import { isAdmin } from '../session';
import { AccountMenu } from './account-menu';
import { Freshness } from './freshness';
import { Notices } from './notices';

/** The sections: beside the screen, or on a narrow one behind a button. */
function Navigation() {
  const { path } = useLocation();
  const shown = sections.filter(({ isForAdmins }) => isAdmin.value || !isForAdmins);
  const isCurrent = (section: string) => path === section || (section !== '/console' && path.startsWith(`${section}/`));
  const isApart = (index: number) => index > 0 && !shown[index - 1]?.isForAdmins !== !shown[index]?.isForAdmins;
  return (
    <nav aria-label={texts.value.navigation}>
      <button type="button" class="menu" popovertarget="sections">
        <span aria-hidden="true">☰</span> {texts.value.menu}
      </button>
      <ul id="sections" class="sections" popover="auto">
        {shown.map(({ name, path: target }, index) => (
          <li key={name} class={isApart(index) ? 'apart' : undefined}>
            <a href={target} aria-current={isCurrent(target) ? 'page' : undefined}>
              {texts.value.sections[name]}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** What surrounds every screen: the sections, the account, how fresh the data is, and what is about the console itself. */
export function Frame({ children }: { children: ComponentChildren }) {
  const { url } = useLocation();
  useEffect(() => {
    for (const menu of document.querySelectorAll<HTMLElement>(':popover-open')) menu.hidePopover();
  }, [url]);
  return (
    <>
      <a class="skip" href="#content">
        {texts.value.skip}
      </a>
      <div class="side">
        <header>
          <a class="brand" href="/console">
            {texts.value.product}
          </a>
          <Navigation />
          <AccountMenu />
        </header>
        <footer>
          <Freshness />
        </footer>
      </div>
      <Notices />
      <main id="content" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}
