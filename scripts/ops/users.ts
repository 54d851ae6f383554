// The commands about accounts.
import { roles } from '../../src/access/caller';
import { block } from '../table';
import { type Context, command, type Group } from './command';
import { describePage } from './lists';
import { findUser } from './names';
import { anyText, oneOf, type UserName, user } from './parameters';

const account = user('whose account');

const find = command({
  says: 'find people by e-mail address, or by the beginning of their name',
  takes: { search: anyText('TEXT', 'the address, or the beginning of an address or a name') },
  async run({ api }, query) {
    const json = await (await api.users.$get({ query })).json();
    const rows = json.data.map((row) => {
      if (!('email' in row)) return [row.id, null, null, row.name];
      return [row.id, row.isActive ? row.role : 'deactivated', row.email, row.name];
    });
    return { json, text: describePage(json, ['account', 'role', 'e-mail', 'name'], rows) };
  },
});

const show = command({
  says: 'an account, with how many orders and open tickets it has',
  takes: { user: account },
  async run(context, { user }) {
    const id = await findUser(context, user);
    const json = await (await context.api.users[':id'].$get({ param: { id } })).json();
    const { name, email, emailConfirmed, role, isActive, createdAt, lastLoginAt } = json;
    const { itemCount, orderCount, openTicketCount } = json;
    const text = block(name, [
      ['id', id],
      ['e-mail', `${email}, ${emailConfirmed ? 'confirmed' : 'not confirmed'}`],
      ['role', `${role}${isActive ? '' : ', deactivated'}`],
      ['registered', createdAt],
      ['signed in', lastLoginAt ?? 'never'],
      ['has', `orders: ${orderCount}, open tickets: ${openTicketCount}, items: ${itemCount}`],
    ]);
    return { json, text };
  },
});

const role = command({
  says: 'give an account another role (admin)',
  takes: { user: account, role: oneOf('ROLE', roles, 'the new role') },
  async run(context, { user, role }) {
    const id = await findUser(context, user);
    const json = await (await context.api.users[':id'].role.$post({ param: { id }, json: { role } })).json();
    return { json, text: `The account ${id} has the role ${role}. The tokens of its earlier role have ended.` };
  },
});

async function setActivity(context: Context, user: UserName, action: 'deactivate' | 'reactivate') {
  const id = await findUser(context, user);
  return { id, json: await (await context.api.users[':id'][action].$post({ param: { id } })).json() };
}

const deactivate = command({
  says: 'deactivate an account, which ends its sessions (admin)',
  takes: { user: account },
  async run(context, { user }) {
    const { id, json } = await setActivity(context, user, 'deactivate');
    return { json, text: `The account ${id} is deactivated, and its sessions have ended.` };
  },
});

const reactivate = command({
  says: 'let a deactivated account sign in again (admin)',
  takes: { user: account },
  async run(context, { user }) {
    const { id, json } = await setActivity(context, user, 'reactivate');
    return { json, text: `The account ${id} can sign in again.` };
  },
});

export const users = { find, show, role, deactivate, reactivate } satisfies Group;
