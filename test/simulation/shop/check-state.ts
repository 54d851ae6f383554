import type { Platform } from '../history';
import { itemSales, salesDays } from './model-sales';
import type { State } from './state';
import { canonical, differenceOf, violate } from './violate';

type Row = Record<string, unknown>;

/** The password of a hash, which the simulation makes in plain text. */
export const passwordOf = (hash: string) => hash.replace('hash of ', '');
type Tables = Readonly<Record<string, Row[]>>;

const isTrue = (value: unknown) => value === 1;
const byKey = (rows: Iterable<Row>) => [...rows].map(canonical).sort();

/** The tables of the write model, by plain SQL. */
function tablesOf({ d1 }: Pick<Platform, 'd1'>): Tables {
  const all = (sql: string) => d1.query<Row>(sql);
  return {
    users: all(
      `SELECT id, version, name, email, password_hash AS password, role, is_active AS isActive,
         token_generation AS generation, search_name AS searchName, created_at AS createdAt, updated_at AS updatedAt,
         last_login_at AS lastLoginAt, email_confirmed_at AS emailConfirmedAt, is_service AS isService
       FROM users`,
    ).map((row) => ({
      ...row,
      ...{ isActive: isTrue(row.isActive), isService: isTrue(row.isService) },
      password: passwordOf(String(row.password)),
    })),
    settings: all(
      `SELECT user_id AS id, version, locale, timezone, email_notifications AS emailNotifications,
         updated_at AS updatedAt FROM settings`,
    ).map((row) => ({ ...row, emailNotifications: isTrue(row.emailNotifications) })),
    sessions: all('SELECT id, user_id AS userId, version, revoked_at IS NOT NULL AS isRevoked FROM sessions').map(
      (row) => ({ ...row, isRevoked: isTrue(row.isRevoked) }),
    ),
    'refresh tokens': all(
      `SELECT session_id AS sessionId, expires_at AS expiresAt, used_at AS usedAt FROM refresh_tokens`,
    ),
    'password resets': all(
      'SELECT id, user_id AS userId, expires_at AS expiresAt, used_at IS NOT NULL AS isUsed FROM password_resets',
    ).map((row) => ({ ...row, isUsed: isTrue(row.isUsed) })),
    'links that confirm addresses': all(
      `SELECT id, user_id AS userId, kind, email, previous_email AS previousEmail, expires_at AS expiresAt,
         used_at AS usedAt FROM email_confirmations`,
    ),
    'API keys': all(
      'SELECT id, user_id AS userId, name, scopes, created_at AS createdAt, expires_at AS expiresAt FROM api_keys',
    ).map((row) => ({ ...row, scopes: JSON.parse(String(row.scopes)) })),
    items: all(
      `SELECT id, version, owner_id AS ownerId, title, description, amount, currency, stock,
         stock_version AS stockVersion, is_active AS isActive, taken_down_by AS takenDownBy, created_at AS createdAt, updated_at AS updatedAt FROM items`,
    ).map(({ amount, currency, ...row }) => ({ ...row, isActive: isTrue(row.isActive), price: { amount, currency } })),
    orders: all(
      `SELECT id, number, version, customer_id AS customerId, status, lines, line_count AS lineCount, amount, currency,
         shipping_address AS address, created_at AS createdAt, updated_at AS updatedAt FROM orders`,
    ).map(({ amount, currency, lines, address, ...row }) => ({
      ...row,
      ...{ total: { amount, currency }, lines: JSON.parse(String(lines)), address: JSON.parse(String(address)) },
    })),
    tickets: all(
      `SELECT id, version, customer_id AS customerId, order_id AS orderId, subject, message, status, preview,
         note_preview AS notePreview, has_note AS hasNote, created_at AS createdAt, updated_at AS updatedAt,
         triaged_at AS triagedAt, triage_seconds AS triageSeconds, customer_version AS customerVersion,
         customer_updated_at AS customerUpdatedAt, assignee_id AS assigneeId, last_speaker AS lastSpeaker FROM tickets`,
    ).map((row) => ({ ...row, hasNote: isTrue(row.hasNote) })),
    notes: all(
      'SELECT id, ticket_id AS ticketId, author_id AS authorId, note, created_at AS createdAt FROM ticket_notes',
    ),
    replies: all(
      'SELECT id, ticket_id AS ticketId, author_id AS authorId, "by", message, created_at AS createdAt FROM ticket_replies',
    ),
    'list counts': all('SELECT list, owner, key AS filter, value AS count FROM list_counts, json_each(counts)'),
    'ticket days': all('SELECT date, opened, reopened, closed FROM ticket_days'),
    'sales days': all('SELECT date, currency, orders, revenue FROM sales_days'),
    'item sales': all('SELECT date, item_id AS itemId, title, pieces FROM item_sales'),
  };
}

const withId = <Value extends object>(table: ReadonlyMap<string, Value>): Row[] =>
  [...table].map(([id, row]) => ({ id, ...row }));

/** How many rows each list has, by the owner of its rows (none for all rows) and by filter. */
function countsOf({ users, items, orders, tickets }: State): Row[] {
  const counted = [
    ...[...users.values()].map(() => ['users', '', 'all']),
    ...[...items.values()].flatMap(({ isActive, ownerId }) => ['', ownerId].map((of) => ['items', of, `${isActive}`])),
    ...[...orders.values()].flatMap(({ customerId, status }) =>
      ['', ...(customerId === null ? [] : [customerId])].map((of) => ['orders', of, status]),
    ),
    ...[...tickets.values()].flatMap(({ assigneeId, status }) =>
      assigneeId === null ? [] : ['', assigneeId].map((of) => ['assignments', of, status]),
    ),
    ...[...tickets.values()].flatMap(({ customerId, notes, status }) => [
      ['tickets', '', `${status}:${notes.length > 0}`],
      ['tickets', customerId, status],
    ]),
  ];
  return [...Map.groupBy(counted, (key) => JSON.stringify(key)).values()].map((rows) => {
    const [list, owner, filter] = rows[0] ?? [];
    return { list, owner, filter, count: rows.length };
  });
}

/** The same tables, as the model has them. */
function expectedTables(state: State): Tables {
  const tickets = [...state.tickets.values()];
  return {
    // Every name of the simulation is ASCII.
    users: withId(state.users).map((user) => ({ ...user, searchName: String(user.name).toLowerCase() })),
    settings: withId(state.settings),
    sessions: withId(state.sessions),
    'refresh tokens': [...state.refreshTokens.values()].map((row) => ({ ...row })),
    'password resets': withId(state.resets),
    'links that confirm addresses': withId(state.links),
    'API keys': withId(state.apiKeys),
    items: withId(state.items),
    orders: [...state.orders.values()].map(({ tookFrom, lines, ...order }) => ({
      ...order,
      lines: lines.map((line) => ({ ...line, tookStock: tookFrom.includes(line.itemId) })),
      lineCount: lines.length,
    })),
    tickets: tickets.map(({ notes, replies, ...ticket }) => ({
      ...ticket,
      lastSpeaker: replies.at(-1)?.by ?? 'customer',
      ...{ preview: ticket.message, hasNote: notes.length > 0, notePreview: notes.at(-1)?.note ?? null },
    })),
    notes: tickets.flatMap(({ id, notes }) => notes.map((note) => ({ ...note, ticketId: id }))),
    replies: tickets.flatMap(({ id, replies }) => replies.map((reply) => ({ ...reply, ticketId: id }))),
    'list counts': countsOf(state),
    'ticket days': [...state.days].map(([date, day]) => ({ date, ...day })),
    'sales days': salesDays(state),
    'item sales': itemSales(state),
  };
}

/** What the hourly task may have removed, because it has expired. */
const expires: readonly string[] = ['refresh tokens', 'password resets', 'links that confirm addresses'];
const clockSlackMs = 60_000;

/** What belongs to accounts that do not exist. */
function ownedByNobody({ d1 }: Pick<Platform, 'd1'>): string[] {
  const owners = {
    items: 'owner_id',
    orders: 'customer_id',
    tickets: 'customer_id',
  };
  const owned = Object.entries({ ...owners, sessions: 'user_id' }).map(
    ([table, owner]) => `SELECT '${table} of ' || ${owner} AS which, ${owner} AS owner FROM ${table}`,
  );
  const sql = `SELECT which FROM (${owned.join(' UNION ALL ')}) WHERE owner NOT IN (SELECT id FROM users)`;
  const addresses = `SELECT 'address of the order ' || id AS which FROM orders
    WHERE customer_id IS NULL AND shipping_address IS NOT NULL`;
  return [sql, addresses].flatMap((query) => d1.query<{ which: string }>(query)).map(({ which }) => which);
}

/** The write model in D1 is what the acknowledged commands make of the empty shop, in the order of their positions. */
export function checkFinalState(platform: Platform, state: State): void {
  const found = tablesOf(platform);
  const left = ownedByNobody(platform);
  if (left.length > 0)
    throw violate('nothing is left of a deleted account when its erasure has ended', left.join(', '));
  const stillThere = (row: Row) => Number(row.expiresAt) > platform.world.now + clockSlackMs;
  for (const [table, rows] of Object.entries(expectedTables(state))) {
    const isCompared = (row: Row) => !expires.includes(table) || stillThere(row);
    const [wanted, inD1] = [byKey(rows.filter(isCompared)), byKey((found[table] ?? []).filter(isCompared))];
    const missing = wanted.filter((row) => !inD1.includes(row));
    const unwanted = inD1.filter((row) => !wanted.includes(row));
    if (missing.length === 0 && unwanted.length === 0 && wanted.length === inD1.length) continue;
    const [first, other] = [missing[0], unwanted[0]].map((row) => (row === undefined ? undefined : JSON.parse(row)));
    const isSameRow = first !== undefined && other !== undefined && first.id === other.id;
    throw violate(
      `the ${table} are what the commands in the order of their positions make`,
      isSameRow
        ? `of ${first.id}, ${differenceOf(first, other)}`
        : `without ${missing.join(' ') || 'any'}, and with ${unwanted.join(' ') || 'no other'} (${inD1.length} rows)`,
    );
  }
}
