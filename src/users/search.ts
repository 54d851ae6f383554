import { type SQL, sql } from 'drizzle-orm';
import type { Database } from '../platform/d1';
import { limits } from '../platform/limits';
import { hasOtherLetters } from './tables';
import type { User } from './user';

/** What agents and admins see of an account that they have found. */
export type FoundUser = Pick<User, 'id' | 'name' | 'email' | 'role' | 'isActive'>;

/**
 * Letters that Unicode does not take apart, and what people type for them on another keyboard. The index `users_to_fold_again`
 * has the same letters: a test compares them.
 */
const plainLetters: Readonly<Record<string, string>> = {
  ...{ ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', ł: 'l', đ: 'd', ð: 'd', þ: 'th', ħ: 'h', ŧ: 't', ŋ: 'n', ı: 'i' },
};
const isNotPlain = new RegExp(`[${Object.keys(plainLetters).join('')}]`, 'g');

/**
 * The form in which names are compared: without case and accents (Unicode NFKD without its marks), in plain letters, and with
 * single spaces. So "jose" finds "José", "lukasz" finds "Łukasz", and "ASTRID" finds "Åstrid" with "åstrid".
 */
export function foldText(text: string): string {
  const letters = text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  const plain = letters.replace(isNotPlain, (letter) => plainLetters[letter] ?? letter);
  return plain.replace(/\s+/gu, ' ').trim();
}

/** The last word of a name, in the words of the index `users_by_last_name`. */
const lastName = sql`replace("search_name", rtrim("search_name", replace("search_name", ' ', '')), '')`;

/** The condition that a column begins with a text. No character comes after U+10FFFF. */
const beginsWith = (column: SQL, text: string) => sql`${column} >= ${text} AND ${column} < ${`${text}\u{10FFFF}`}`;

/**
 * Finds accounts whose e-mail address, name or last name begins with a text, `limits.accountsPerSearch` at most, with those
 * whose address it is first, and then by name. Three indexes find them, each at most this many.
 */
export async function searchUsers(db: Database, text: string): Promise<FoundUser[]> {
  const [email, name] = [text.toLowerCase(), foldText(text)];
  const most = limits.accountsPerSearch;
  const ways = [beginsWith(sql`email`, email)];
  // A text of accents alone would find everybody.
  if (name !== '') {
    ways.push(beginsWith(sql`search_name`, name), sql`search_name LIKE '% %' AND ${beginsWith(lastName, name)}`);
  }
  const ids = ways.map((way) => sql`SELECT * FROM (SELECT id FROM users WHERE ${way} LIMIT ${most})`);
  const rows = await db.all<Omit<FoundUser, 'isActive'> & { isActive: number }>(sql`
    SELECT id, name, email, role, is_active AS isActive FROM users WHERE id IN (${sql.join(ids, sql` UNION ALL `)})
    ORDER BY email <> ${email}, search_name, id LIMIT ${most}`);
  return rows.map((row) => ({ ...row, isActive: row.isActive === 1 }));
}

/**
 * Folds the names that SQLite could not fold: those with other letters than ASCII, which a migration found, or an older version
 * of the Worker wrote, and those that version 0.7.0 folded without the letters that are not plain. A name that was changed in
 * the meantime stays for the next run.
 * @returns how many names were folded
 */
export async function foldNames(db: Database): Promise<number> {
  let folded = 0;
  for (let slice = 0; slice < limits.slicesOfNamesPerRun; slice++) {
    const rows = await db.all<{ id: string; name: string }>(sql`
      SELECT id, name FROM users WHERE search_name IS NULL
      UNION ALL SELECT id, name FROM users INDEXED BY users_to_fold_again WHERE ${hasOtherLetters}
      LIMIT ${limits.namesPerSlice}`);
    if (rows.length === 0) break;
    const names = JSON.stringify(rows.map(({ id, name }) => [id, name, foldText(name)]));
    await db.run(sql`
      UPDATE users SET search_name = folded.value->>2 FROM json_each(${names}) AS folded
      WHERE users.id = folded.value->>0 AND users.name = folded.value->>1`);
    folded += rows.length;
  }
  return folded;
}
