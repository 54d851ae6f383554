import { useLocation } from 'preact-iso';
import { texts } from '../language';
import { isAdmin } from '../session';

/** The read models of a thing and of the list of all of them, by the addresses of their screens. */
const views: ReadonlyMap<string, readonly [one: string, all: string]> = new Map([
  ['tickets', ['staff-ticket', 'staff-ticket-lists']],
  ['orders', ['order', 'order-lists']],
  ['items', ['item', 'item-lists']],
  ['people', ['user', 'user-list']],
]);

/** From what an admin looks at to the document behind it, and why that is up to date or not. */
export function InspectLink() {
  const [, , screen = '', key] = useLocation().path.split('/');
  const found = views.get(screen);
  if (!found || !isAdmin.value) return null;
  const [one, all] = found;
  return (
    <span>
      <a href={key ? `/console/read-models/${one}/${key}` : `/console/read-models/${all}/all`}>
        {texts.value.freshness.why}
      </a>
    </span>
  );
}
