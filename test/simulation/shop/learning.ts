import type { Knowledge } from './knowledge';
import type { Attempt } from './record';
import type { Caller } from './state';

type Fields = Record<string, string | undefined>;

/** Notes the passwords and the addresses that an account may have after a command that was not refused. */
export function learnCredentials(shop: Knowledge, { name, payload }: Attempt): void {
  const { userId = '', changes, token, password } = payload as Fields & { changes?: Fields };
  if (name === 'UpdateUser' && changes?.password !== undefined) shop.person(userId)?.passwords.push(changes.password);
  const to = shop.platform.emails.find(({ text }) => text.includes(`#token=${token}`))?.to ?? '';
  if (name === 'ConfirmEmail') {
    // After an answer that was lost, either address may be the current one.
    [...shop.people.values()].find(({ wantedEmails }) => wantedEmails.includes(to))?.emails.push(to);
  }
  if (name !== 'ConfirmPasswordReset' || password === undefined) return;
  const person = [...shop.people.values()].find(({ emails }) => emails.includes(to));
  person?.passwords.push(password);
}

/** Notes what the clients know after an acknowledged command. */
export function learn(shop: Knowledge, attempt: Attempt, result: unknown): void {
  const { name, payload, caller } = attempt;
  const given = payload as Fields & { changes?: Fields };
  const { id, version } = (result ?? {}) as { id?: string; version?: number };
  if (id !== undefined && version !== undefined) {
    shop.versions.set(name === 'UpdateSettings' ? `settings ${id}` : id, version);
  }
  const add = (list: { id: string; ownerId: string }[], ownerId = caller?.userId ?? '') => {
    if (id !== undefined && !list.some((one) => one.id === id)) list.push({ id, ownerId });
  };
  const person = shop.person(given.userId ?? '');
  if ((name === 'RegisterUser' || name === 'CreateFirstAdmin') && id !== undefined && !shop.people.has(id)) {
    const { name: called = '', email = '', password = '' } = given;
    const known = {
      emails: [email.toLowerCase()],
      wantedEmails: [],
      passwords: [password],
      credentials: [],
      refreshTokens: [],
    };
    shop.people.set(id, { id, name: called, ...known });
  }
  if (name === 'CreateItem') add(shop.items);
  if (name === 'PlaceOrder') add(shop.orders);
  if (name === 'OpenTicket') add(shop.tickets, given.customerId);
  if (name === 'StartRebuild' && id !== undefined && !shop.rebuilds.includes(id)) shop.rebuilds.push(id);
  if (name === 'UpdateUser' && person) {
    const { name: called, email } = given.changes ?? {};
    if (called !== undefined) person.name = called;
    if (email !== undefined) person.wantedEmails.push(email.toLowerCase());
  }
  if (name === 'SignIn') addTokens(shop, attempt, result, given.username);
  if (name === 'RefreshSession') addTokens(shop, attempt, result);
  if (name === 'DeleteUser' && given.userId !== undefined) shop.deleted.push(given.userId);
  if (name === 'DeleteUser' && person && shop.world.chance(0.7)) shop.people.delete(person.id);
}

/** Notes the tokens of an answer. The access token is not signed in the simulation. */
function addTokens(shop: Knowledge, { issuedAt = 0 }: Attempt, result: unknown, username?: string): void {
  const granted = result as { access_token: string; refresh_token: string; expires_in: number } | null;
  if (!granted) return;
  const caller: Caller = JSON.parse(granted.access_token);
  const person = shop.person(caller.userId) ?? {
    ...{ id: caller.userId, name: '', emails: username === undefined ? [] : [username], wantedEmails: [] },
    ...{ passwords: [], credentials: [], refreshTokens: [] },
  };
  shop.people.set(person.id, person);
  const expiresAt = issuedAt + granted.expires_in * 1000;
  person.credentials.push({ caller, expiresAt, isRefused: false });
  person.refreshTokens.push(granted.refresh_token);
}
