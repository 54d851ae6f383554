import { format, say, sayCount, texts } from '../../language';
import { Ago } from '../../parts/ago';
import { AccountState } from '../people/account-state';
import type { Profile } from './use-person';

/** What the account says about its person. */
export function ProfileFacts({ profile }: { profile: Profile }) {
  const text = texts.value.person;
  const { id, email, emailConfirmed, pendingEmail, role, isActive, createdAt, lastLoginAt } = profile;
  return (
    <section aria-labelledby="profile">
      <h2 id="profile">{text.profile}</h2>
      <dl class="facts">
        <dt>{text.email}</dt>
        <dd>
          {email} <span class="quiet">({emailConfirmed ? text.confirmed : text.notConfirmed})</span>
          {pendingEmail !== null && <p class="quiet">{say(text.pending, { email: pendingEmail })}</p>}
        </dd>
        <dt>{text.role}</dt>
        <dd>{texts.value.role[role]}</dd>
        <dt>{text.state}</dt>
        <dd>
          <AccountState isActive={isActive} />
        </dd>
        <dt>{text.registered}</dt>
        <dd>{format.value.time(createdAt)}</dd>
        <dt>{text.lastLogin}</dt>
        <dd>{lastLoginAt === null ? text.never : <Ago time={lastLoginAt} />}</dd>
        <dt>{text.has}</dt>
        <dd>
          {sayCount(text.orders, profile.orderCount)} · {sayCount(text.openTickets, profile.openTicketCount)} ·{' '}
          {sayCount(text.items, profile.itemCount)}
        </dd>
        <dt>{text.id}</dt>
        <dd>
          <code>{id}</code>
        </dd>
      </dl>
    </section>
  );
}
