// The commands about API keys and the service accounts that have them.
import { roles } from '../../src/access/caller';
import { scopes } from '../../src/access/scopes';
import { block } from '../table';
import { command, type Group, type Parameter } from './command';
import { findUserIfAny } from './names';
import { anyText, id, oneOf, textOf, user } from './parameters';

type Scope = (typeof scopes)[number];

const scopeList: Parameter<Scope[]> = {
  placeholder: 'SCOPES',
  says: `what the key may do, separated by commas: ${scopes.join(', ')}`,
  form: `scopes separated by commas: ${scopes.join(', ')}`,
  read(text) {
    const words = text.split(',');
    const known = words.flatMap((word) => scopes.find((scope) => scope === word) ?? []);
    return known.length === words.length ? known : undefined;
  },
};

const time = textOf(
  'TIME',
  'when the key ends, such as 2027-01-31T00:00:00Z',
  'a time with its zone, such as 2027-01-31T00:00:00Z',
  (text) => /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text),
);

const create = command({
  says: 'make an API key, which is shown this once',
  takes: { name: anyText('NAME', 'what the key is for'), scopes: scopeList },
  options: { expires: time, account: user('the service account that gets the key (admin)') },
  async run(context, { name, scopes, expires, account }) {
    const accountId = await findUserIfAny(context, account);
    const key = { name, scopes, ...(expires && { expiresAt: expires }), ...(accountId && { accountId }) };
    const json = await (await context.api['api-keys'].$post({ json: key })).json();
    return { json, text: `${json.key}\n\nKeep this key: it is not shown again. Its id is ${json.id}.` };
  },
});

const list = command({
  says: 'your API keys, with their scopes and last use',
  options: { account: user('another account (admin)') },
  async run(context, { account }) {
    const query = { account: await findUserIfAny(context, account) };
    const json = await (await context.api['api-keys'].$get({ query })).json();
    const blocks = json.data.map(({ id, name, prefix, scopes, createdAt, expiresAt, lastUsedAt }) =>
      block(name, [
        ['id', id],
        ['key', `${prefix}…`],
        ['scopes', scopes.join(', ')],
        ['made', createdAt],
        ['ends', expiresAt ?? 'when it is revoked'],
        ['used', lastUsedAt ?? 'never'],
      ]),
    );
    return { json, text: blocks.join('\n\n') || 'There are none.' };
  },
});

const revoke = command({
  says: 'end an API key',
  takes: { id: id('the key, as `keys list` shows it') },
  async run({ api }, { id }) {
    await api['api-keys'][':id'].$delete({ param: { id } });
    return { json: null, text: `The API key ${id} is revoked.` };
  },
});

const account = command({
  says: 'make an account for a program, which has keys and no password (admin)',
  takes: { name: anyText('NAME', 'what the program is called'), role: oneOf('ROLE', roles, 'its role') },
  async run({ api }, { name, role }) {
    const json = await (await api['service-accounts'].$post({ json: { name, role } })).json();
    return {
      json,
      text: `The account is ${json.id}. Make its first key: keys create NAME SCOPES --account ${json.id}`,
    };
  },
});

export const keys = { list, create, revoke, account } satisfies Group;
