// What people call accounts and orders, as the ids that the API takes.
import { ProblemError } from '../../src/client';
import type { Context } from './command';
import type { OrderName, UserName } from './parameters';

/**
 * Finds the id of an account.
 * @throws Error if nobody has the e-mail address
 */
export async function findUser({ api }: Context, name: UserName): Promise<string> {
  if (name === 'me') return (await (await api.users.me.$get()).json()).id;
  if ('id' in name) return name.id;
  const { email } = name;
  const { data } = await (await api.users.$get({ query: { search: email } })).json();
  // The address of one account can be the beginning of another one's.
  const found = data.find((user) => 'email' in user && user.email === email);
  if (!found) throw new Error(`No account has the e-mail address ${email}.`);
  return found.id;
}

/** The same for an option, which may be absent. */
export async function findUserIfAny(context: Context, name: UserName | undefined): Promise<string | undefined> {
  return name === undefined ? undefined : findUser(context, name);
}

/**
 * Finds the id of an order.
 * @throws Error if no order has the number
 */
export async function findOrder({ api }: Context, name: OrderName): Promise<string> {
  if ('id' in name) return name.id;
  const { data } = await (await api.orders.$get({ query: { number: name.number } })).json();
  if (!data[0]) throw new Error(`There is no order No. ${name.number}.`);
  return data[0].id;
}

/** What people read of an account: its name beside its id; the id alone if it is deleted, or its name is not for the caller. */
export type NameOf = (userId: string) => string;

/** Finds the names of accounts, each of them once. */
export async function findNames({ api }: Context, ids: Iterable<string | null | undefined>): Promise<NameOf> {
  const wanted = [...new Set(ids)].filter((id) => typeof id === 'string');
  const named = await Promise.all(
    wanted.map(async (id) => {
      try {
        const { name } = await (await api.users[':id'].$get({ param: { id } })).json();
        return [id, `${name} (${id})`] as const;
      } catch (error) {
        if (error instanceof ProblemError && [403, 404].includes(error.status)) return [id, id] as const;
        throw error;
      }
    }),
  );
  const names = new Map(named);
  return (id) => names.get(id) ?? id;
}
