import {
  type Done,
  isOtherVersion,
  isoTime,
  type ModelRequest,
  nothing,
  type Outcome,
  type Rule,
  refuse,
  signedIn,
} from './rule';
import {
  all,
  byStatus,
  type Caller,
  type Effect,
  each,
  type Item,
  type Link,
  type Order,
  put,
  type Reset,
  type State,
  type Ticket,
  type User,
} from './state';

const refreshTokenMs = 30 * 24 * 3_600_000;
const graceMs = 10_000;
const resetMs = 3_600_000;
const betweenResetsMs = 300_000;
const betweenLinksMs = 900_000;
/** How much the clocks of two processes may differ. */
const clockSlackMs = 60_000;

const withEmail = (state: State, email: string) => [...state.users.values()].find((user) => user.email === email);
const isSelfOrAdmin = (caller: Caller, id: string) => caller.userId === id || caller.role === 'admin';

function register(role: User['role']): Rule {
  return (state, { payload, issuedAt, linkMs }, { id }) => {
    const email = payload.email.toLowerCase();
    if (withEmail(state, email)) return refuse('users.email-taken');
    const at = isoTime(issuedAt);
    const user: User = {
      id,
      version: 1,
      name: payload.name,
      email,
      password: payload.password,
      role,
      isActive: true,
      generation: 1,
      createdAt: at,
      updatedAt: at,
      lastLoginAt: null,
      emailConfirmedAt: role === 'admin' ? at : null,
      isService: false,
    };
    const { locale = 'en', timezone = 'UTC' } = payload;
    const settings = { version: 1, locale, timezone, emailNotifications: true, updatedAt: at };
    const link: Link = {
      ...{ userId: id, kind: 'registration', email, previousEmail: null, expiresAt: issuedAt + linkMs, usedAt: null },
    };
    const linked = role === 'admin' ? [] : [put('links', id, link)];
    const effect = all(put('users', id, user), put('settings', id, settings), ...linked);
    return { events: [`UserRegistered ${id} 1`], result: { id, version: 1 }, effect };
  };
}

const remove = () => undefined;

const revokeSessionsOf = (userId: string) =>
  each(
    'sessions',
    (session) => session.userId === userId,
    (session) => ({ ...session, isRevoked: true }),
  );

const endResetsOf = (userId: string) =>
  each(
    'resets',
    (reset) => reset.userId === userId,
    (reset) => ({ ...reset, isUsed: true }),
  );

const unusedOf = (state: State, userId: string, kind: Link['kind']) =>
  [...state.links].find(([, link]) => link.userId === userId && link.kind === kind && link.usedAt === null)?.[1];

const endLinksOf = (userId: string, ...kinds: readonly Link['kind'][]) =>
  each('links', (link) => link.userId === userId && link.usedAt === null && kinds.includes(link.kind), remove);

const useRegistrationOf = (userId: string, usedAt: number) =>
  each(
    'links',
    (link) => link.userId === userId && link.kind === 'registration' && link.usedAt === null,
    (link) => ({ ...link, usedAt }),
  );

const isRecent = ({ expiresAt }: Link, { issuedAt, linkMs }: Pick<ModelRequest, 'issuedAt' | 'linkMs'>) =>
  expiresAt - linkMs > issuedAt - betweenLinksMs;

/** Whether the clean-up may have deleted a link by then; a pending change ends with an event. */
const mayBeRemoved = ({ kind, usedAt, expiresAt }: Link, now: number) =>
  expiresAt <= now + clockSlackMs && !(kind === 'change' && usedAt === null);

const isActiveAdmin = ({ role, isActive, isService }: User) => role === 'admin' && isActive && !isService;
const isLastAdmin = (state: State, user: User) =>
  isActiveAdmin(user) && ![...state.users.values()].some((other) => other.id !== user.id && isActiveAdmin(other));

type Changes = Partial<Pick<User, 'name' | 'password' | 'role' | 'isActive'>>;

/** Changes an account: each kind of change is an event, and some kinds end all tokens. */
function change(
  state: State,
  user: User,
  changes: Changes,
  issuedAt: number,
  link?: { id: string; row: Link },
): Outcome {
  const { id } = user;
  const profile = (changes.name ?? user.name) !== user.name;
  const isNewRole = changes.role !== undefined && changes.role !== user.role;
  const isSwitched = changes.isActive !== undefined && changes.isActive !== user.isActive;
  const types = [
    profile && 'UserUpdated',
    changes.password !== undefined && 'UserPasswordChanged',
    isNewRole && 'UserRoleChanged',
    isSwitched && (changes.isActive ? 'UserReactivated' : 'UserDeactivated'),
    link !== undefined && 'EmailConfirmationRequested',
  ].filter((type) => type !== false);
  if (types.length === 0) return nothing({ id, version: user.version });
  const ends = changes.password !== undefined || isNewRole || isSwitched;
  const version = user.version + types.length;
  const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  const next: User = {
    ...user,
    ...given,
    version,
    generation: user.generation + (ends ? 1 : 0),
    updatedAt: isoTime(issuedAt),
  };
  if (isLastAdmin(state, user) && !isActiveAdmin(next)) return refuse('users.last-admin');
  const isEnded = isSwitched && !next.isActive;
  const endsSessions = changes.password !== undefined || isEnded;
  return {
    events: types.map((type, index) => `${type} ${id} ${user.version + index + 1}`),
    result: { id, version },
    effect: all(
      put('users', id, next),
      ...(endsSessions ? [revokeSessionsOf(id), endResetsOf(id)] : []),
      ...(ends || link ? [endLinksOf(id, 'change')] : []),
      ...(link ? [put('links', link.id, link.row)] : []),
    ),
  };
}

function changeByAdmin(changesOf: (payload: { role?: User['role'] }) => Changes): Rule {
  return signedIn((state, request) => {
    const user = state.users.get(request.payload.userId);
    if (!user) return refuse('users.not-found');
    if (isOtherVersion(request, user.version)) return refuse('http.precondition-failed');
    return change(state, user, changesOf(request.payload), request.issuedAt);
  }, 'admin');
}

/** A family of refresh tokens ends. */
function revoke(sessionId: string, version: number, userId: string): Done {
  return {
    events: [`SessionRevoked ${sessionId} ${version + 1}`],
    effect: put('sessions', sessionId, { userId, version: version + 1, isRevoked: true }),
  };
}

const addToken = (text: string, sessionId: string, issuedAt: number): Effect =>
  put('refreshTokens', text, { sessionId, expiresAt: issuedAt + refreshTokenMs, usedAt: null });

/** What a deleted account owns, in the order in which it is erased. */
function rowsOf({ items, orders, tickets }: State, userId: string): { id: string }[] {
  const inOrder = <Row extends { id: string }>(rows: ReadonlyMap<string, Row>, isOwned: (row: Row) => boolean) =>
    [...rows.values()].filter(isOwned).sort((a, b) => (a.id < b.id ? -1 : 1));
  const owned = inOrder(orders, ({ customerId }) => customerId === userId);
  return [
    ...inOrder(items, ({ ownerId }) => ownerId === userId),
    ...owned.toSorted(byStatus),
    ...inOrder(tickets, ({ customerId }) => customerId === userId),
    ...assignedTo(tickets, userId),
  ];
}

/** The tickets of others that an account works on, in the order in which its deletion releases them. */
function assignedTo(tickets: State['tickets'], userId: string): Ticket[] {
  return [...tickets.values()]
    .filter(({ assigneeId, customerId }) => assigneeId === userId && customerId !== userId)
    .sort(byStatus);
}

/** Erases the first rows of an account. What was not shipped is cancelled, and all its pieces go back together. */
function erase(state: State, userId: string, count: number, at: string): Done {
  const ids = new Set(
    rowsOf(state, userId)
      .slice(0, count)
      .map(({ id }) => id),
  );
  const [items, orders, chosen] = [state.items, state.orders, state.tickets].map((rows) =>
    [...rows.values()].filter(({ id }) => ids.has(id)).sort((a, b) => (a.id < b.id ? -1 : 1)),
  ) as [Item[], Order[], Ticket[]];
  const tickets = chosen.filter(({ customerId }) => customerId === userId);
  const released = assignedTo(state.tickets, userId).filter(({ id }) => ids.has(id));
  const cancelled = orders.filter(({ status }) => status === 'placed');
  const returned = new Map<string, number>();
  for (const { lines, tookFrom } of cancelled) {
    for (const { itemId, quantity } of lines)
      if (tookFrom.includes(itemId)) returned.set(itemId, (returned.get(itemId) ?? 0) + quantity);
  }
  return {
    events: [
      ...items.map((item) => `ItemDeleted ${item.id} ${item.version + 1}`),
      ...orders.flatMap(({ id: order, status, version }) =>
        status === 'placed'
          ? [`OrderCancelled ${order} ${version + 1}`, `OrderAnonymised ${order} ${version + 2}`]
          : [`OrderAnonymised ${order} ${version + 1}`],
      ),
      ...tickets.map((ticket) => `TicketDeleted ${ticket.id} ${ticket.version + 1}`),
      ...released.map((ticket) => `TicketAssigned ${ticket.id} ${ticket.version + 1}`),
    ],
    effect: all(
      each('items', ({ id }) => ids.has(id), remove),
      each(
        'items',
        ({ id, stock }) => stock !== null && returned.has(id),
        (item) => ({
          ...item,
          stock: (item.stock ?? 0) + (returned.get(item.id) ?? 0),
          stockVersion: item.stockVersion + 1,
        }),
      ),
      each(
        'orders',
        ({ id }) => ids.has(id),
        (order) => ({ ...order, customerId: null, address: null, version: order.version + 1 }),
      ),
      each(
        'orders',
        ({ id }) => cancelled.some((one) => one.id === id),
        (order) => ({ ...order, status: 'cancelled' as const, updatedAt: at, version: order.version + 1 }),
      ),
      each('tickets', ({ customerId, id }) => customerId === userId && ids.has(id), remove),
      each(
        'tickets',
        ({ id }) => released.some((one) => one.id === id),
        (ticket) => ({
          ...ticket,
          assigneeId: null,
          version: ticket.version + 1,
          updatedAt: ticket.updatedAt > at ? ticket.updatedAt : at,
        }),
      ),
    ),
  };
}

/** The rules of accounts, settings, sessions and password resets. */
export const accountRules: Readonly<Record<string, Rule>> = {
  RegisterUser: register('customer'),

  CreateFirstAdmin: (state, request, chosen) =>
    [...state.users.values()].some(isActiveAdmin) ? nothing() : register('admin')(state, request, chosen),

  UpdateUser: signedIn((state, request, { linkId }) => {
    const { caller, payload } = request;
    const { password, currentPassword, name, email: given } = payload.changes;
    const email = given?.toLowerCase();
    if (!isSelfOrAdmin(caller, payload.userId)) return refuse('users.not-yours');
    const user = state.users.get(payload.userId);
    if (!user) return refuse('users.not-found');
    if (isOtherVersion(request, user.version)) return refuse('http.precondition-failed');
    const needsPassword = password !== undefined || (email !== undefined && email !== user.email);
    if (needsPassword && user.isService) return refuse('users.service-account');
    if (needsPassword && currentPassword === undefined) return refuse('users.password-required');
    if (needsPassword && currentPassword !== state.users.get(caller.userId)?.password)
      return refuse('users.wrong-password');
    const { issuedAt, linkMs } = request;
    if (email === undefined || email === user.email) return change(state, user, { name, password }, issuedAt);
    if (withEmail(state, email)) return refuse('users.email-taken');
    const pending = password === undefined ? unusedOf(state, user.id, 'change') : undefined;
    const isMailed = pending !== undefined && pending.email === email && isRecent(pending, request);
    const row: Link = {
      ...{ userId: user.id, kind: 'change', email, previousEmail: null, expiresAt: issuedAt + linkMs, usedAt: null },
    };
    return change(state, user, { name, password }, issuedAt, isMailed ? undefined : { id: linkId, row });
  }),

  RequestEmailConfirmation: signedIn((state, request, { linkId }) => {
    const { caller, payload, issuedAt, linkMs } = request;
    const id: string = payload.userId;
    if (!isSelfOrAdmin(caller, id)) return refuse('users.not-yours');
    const user = state.users.get(id);
    if (!user) return refuse('users.not-found');
    if (isOtherVersion(request, user.version)) return refuse('http.precondition-failed');
    if (user.isService) return refuse('users.service-account');
    const pending = unusedOf(state, id, 'change');
    if (!pending && user.emailConfirmedAt !== null) return refuse('users.email-confirmed');
    const { kind, email } = pending ?? { kind: 'registration' as const, email: user.email };
    const older = unusedOf(state, id, kind);
    const unchanged = nothing({ id, version: user.version });
    const isKept = older?.email === email && isRecent(older, request);
    if (isKept && !mayBeRemoved(older, issuedAt)) return unchanged;
    if (pending && withEmail(state, email)) return refuse('users.email-taken');
    const version = user.version + 1;
    const row: Link = {
      ...{ userId: id, kind, email, previousEmail: null, expiresAt: issuedAt + linkMs, usedAt: null },
    };
    const requested = {
      events: [`EmailConfirmationRequested ${id} ${version}`],
      result: { id, version },
      effect: all(
        put('users', id, { ...user, version, updatedAt: isoTime(issuedAt) }),
        endLinksOf(id, kind),
        put('links', linkId, row),
      ),
    };
    return isKept ? [unchanged, requested] : requested;
  }),

  ConfirmEmail(state, { payload, issuedAt, linkMs, linkOf }) {
    const linkId = linkOf(payload.token);
    if (linkId === undefined) return refuse('users.invalid-confirmation');
    const link = state.links.get(linkId);
    const user = link && state.users.get(link.userId);
    if (!link || !user) return refuse('users.confirmation-ended');
    const [used, ended] = [refuse('users.confirmation-used'), refuse('users.confirmation-ended')];
    if (link.usedAt !== null) return mayBeRemoved(link, issuedAt) ? [used, ended] : used;
    const isOfOldAddress = link.kind === 'registration' && link.email !== user.email;
    if (link.expiresAt <= issuedAt || !user.isActive || isOfOldAddress) return ended;
    const { email } = link;
    const isNew = email !== user.email;
    if (isNew && withEmail(state, email)) return refuse('users.email-taken');
    const { id } = user;
    const version = user.version + (isNew ? 2 : 1);
    const at = isoTime(issuedAt);
    const previousEmail = isNew ? user.email : null;
    return {
      events: [...(isNew ? [`UserUpdated ${id} ${version - 1}`] : []), `UserEmailConfirmed ${id} ${version}`],
      effect: all(
        put('links', linkId, { ...link, usedAt: issuedAt, previousEmail, expiresAt: issuedAt + linkMs }),
        put('users', id, { ...user, email, version, updatedAt: at, emailConfirmedAt: at }),
        ...(isNew ? [endLinksOf(id, 'registration'), endResetsOf(id)] : []),
      ),
    };
  },

  ExpireEmailChange(state, { payload, issuedAt }) {
    const link = state.links.get(payload.confirmationId);
    const user = link && state.users.get(link.userId);
    // Nobody has recorded when the system sent it.
    const isOver = issuedAt === 0 || (link?.expiresAt ?? 0) <= issuedAt;
    if (!link || !user || link.kind !== 'change' || link.usedAt !== null || !isOver) return nothing();
    const { id } = user;
    const version = user.version + 1;
    const events = [`EmailChangeExpired ${id} ${version}`];
    const result = { id, version };
    return { events, result, effect: all(put('users', id, { ...user, version }), endLinksOf(id, 'change')) };
  },

  ChangeRole: changeByAdmin(({ role }) => (role === undefined ? {} : { role })),
  DeactivateUser: changeByAdmin(() => ({ isActive: false })),
  ReactivateUser: changeByAdmin(() => ({ isActive: true })),

  DeleteUser: signedIn((state, request) => {
    const { caller, payload } = request;
    const id: string = payload.userId;
    if (!isSelfOrAdmin(caller, id)) return refuse('users.not-yours');
    const user = state.users.get(id);
    if (!user) return refuse('users.not-found');
    if (isOtherVersion(request, user.version)) return refuse('http.precondition-failed');
    if (isLastAdmin(state, user)) return refuse('users.last-admin');
    const startedAt = isoTime(request.issuedAt);
    const ended = new Set([...state.sessions].filter(([, { userId }]) => userId === id).map(([key]) => key));
    // The commit takes what fits into it, and steps of an erasure take the rest.
    return Array.from({ length: rowsOf(state, id).length + 1 }, (_, count) => {
      const { events, effect } = erase(state, id, count, startedAt);
      return {
        events: [...events, `UserDeleted ${id} ${user.version + 1}`],
        result: { id, version: user.version + 1 },
        effect: all(
          effect,
          each('users', (_, key) => key === id, remove),
          each('settings', (_, key) => key === id, remove),
          each('sessions', (_, key) => ended.has(key), remove),
          each('refreshTokens', ({ sessionId }) => ended.has(sessionId), remove),
          each('resets', ({ userId }) => userId === id, remove),
          each('links', ({ userId }) => userId === id, remove),
          each('apiKeys', ({ userId }) => userId === id, remove),
          put('erasures', id, { steps: 1, startedAt }),
        ),
      };
    });
  }),

  ContinueErasure(state, { payload: { userId, step } }) {
    const erasure = state.erasures.get(userId);
    const rows = rowsOf(state, userId);
    if (!erasure || erasure.steps !== step || rows.length === 0) return nothing();
    const next = put('erasures', userId, { ...erasure, steps: step + 1 });
    return rows.map((_, index) => {
      const { events, effect } = erase(state, userId, index + 1, erasure.startedAt);
      return { events, effect: all(effect, next) };
    });
  },

  UpdateSettings: signedIn((state, request) => {
    const { caller, payload, issuedAt } = request;
    const id: string = payload.userId;
    if (!isSelfOrAdmin(caller, id)) return refuse('users.not-yours');
    const settings = state.settings.get(id);
    if (!settings) return refuse('users.not-found');
    if (isOtherVersion(request, settings.version)) return refuse('http.precondition-failed');
    const next = { ...settings, ...payload.changes };
    const { locale, timezone, emailNotifications } = next;
    if (
      locale === settings.locale &&
      timezone === settings.timezone &&
      emailNotifications === settings.emailNotifications
    )
      return nothing({ id, version: settings.version });
    const version = settings.version + 1;
    return {
      events: [`SettingsUpdated ${id} ${version}`],
      result: { id, version },
      effect: put('settings', id, { ...next, version, updatedAt: isoTime(issuedAt) }),
    };
  }),

  Unsubscribe(state, { payload, issuedAt }) {
    const [id = '', signature] = payload.token.split('.');
    const settings = signature === 'wrong' ? undefined : state.settings.get(id);
    if (!settings?.emailNotifications) return nothing();
    const version = settings.version + 1;
    return {
      events: [`SettingsUpdated ${id} ${version}`],
      effect: put('settings', id, { ...settings, emailNotifications: false, version, updatedAt: isoTime(issuedAt) }),
    };
  },

  SignIn(state, { payload, issuedAt }, { id, refreshToken }) {
    const user = withEmail(state, payload.username.toLowerCase());
    if (!user?.isActive || user.isService || user.password !== payload.password) return refuse('auth.invalid-grant');
    const at = isoTime(issuedAt);
    const lastLoginAt = (user.lastLoginAt ?? '') > at ? user.lastLoginAt : at;
    return {
      events: [`SessionStarted ${id} 1`],
      effect: all(
        put('users', user.id, { ...user, lastLoginAt }),
        put('sessions', id, { userId: user.id, version: 1, isRevoked: false }),
        addToken(refreshToken, id, issuedAt),
      ),
    };
  },

  RefreshSession(state, { payload, issuedAt }, { refreshToken }) {
    const token = state.refreshTokens.get(payload.refreshToken);
    const session = token && state.sessions.get(token.sessionId);
    if (!token || !session || session.isRevoked || token.expiresAt <= issuedAt) return nothing();
    if (!state.users.get(session.userId)?.isActive) return nothing();
    const { sessionId } = token;
    if (token.usedAt !== null) {
      if (issuedAt - token.usedAt <= graceMs) return refuse('auth.refresh-raced');
      return revoke(sessionId, session.version, session.userId);
    }
    const version = session.version + 1;
    return {
      events: [`SessionRefreshed ${sessionId} ${version}`],
      effect: all(
        put('sessions', sessionId, { ...session, version }),
        put('refreshTokens', payload.refreshToken, { ...token, usedAt: issuedAt }),
        addToken(refreshToken, sessionId, issuedAt),
      ),
    };
  },

  SignOut(state, { payload }) {
    const sessionId = state.refreshTokens.get(payload.refreshToken)?.sessionId ?? '';
    const session = state.sessions.get(sessionId);
    return !session || session.isRevoked ? nothing() : revoke(sessionId, session.version, session.userId);
  },

  RevokeSession: signedIn((state, { caller, payload: { userId, sessionId } }) => {
    if (caller.userId !== userId && caller.role !== 'admin') return refuse('auth.insufficient-role');
    const session = state.sessions.get(sessionId);
    if (!session || session.userId !== userId || session.isRevoked) return refuse('sessions.not-found');
    return revoke(sessionId, session.version, userId);
  }),

  RequestPasswordReset(state, { payload, issuedAt }, { id }) {
    const user = withEmail(state, payload.email.toLowerCase());
    if (!user?.isActive || user.isService) return nothing();
    const isRecent = ({ userId, expiresAt }: Reset) =>
      userId === user.id && expiresAt - resetMs > issuedAt - betweenResetsMs;
    if ([...state.resets.values()].some(isRecent)) return nothing();
    return {
      events: [`PasswordResetRequested ${id} 1`],
      effect: all(
        endResetsOf(user.id),
        put('resets', id, { userId: user.id, expiresAt: issuedAt + resetMs, isUsed: false }),
      ),
    };
  },

  ConfirmPasswordReset(state, { payload, issuedAt, resetOf }) {
    const id = resetOf(payload.token) ?? '';
    const reset = state.resets.get(id);
    const user = reset && state.users.get(reset.userId);
    if (!user?.isActive || reset?.isUsed !== false || reset.expiresAt <= issuedAt)
      return refuse('auth.invalid-reset-token');
    const changed = change(state, user, { password: payload.password }, issuedAt);
    if ('refused' in changed) return changed;
    // Somebody else may have known the password, or registered with the address.
    const keys = [...state.apiKeys].filter(([, { userId }]) => userId === user.id).map(([key]) => key);
    const events = [...changed.events, ...keys.map((key) => `ApiKeyRevoked ${key} 2`)];
    const effect = all(
      changed.effect,
      each('apiKeys', ({ userId }) => userId === user.id, remove),
    );
    if (user.emailConfirmedAt !== null) return { events, effect };
    const version = user.version + 2;
    return {
      events: [...events, `UserEmailConfirmed ${user.id} ${version}`],
      effect: all(
        effect,
        each(
          'users',
          (_, key) => key === user.id,
          (next) => ({ ...next, version, emailConfirmedAt: isoTime(issuedAt) }),
        ),
        useRegistrationOf(user.id, issuedAt),
      ),
    };
  },
};
