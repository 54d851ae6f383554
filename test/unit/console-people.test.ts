import { beforeEach, expect, test, vi } from 'vitest';
import { learnName, nameOf } from '../../console/src/people';
import { newId } from '../../src/platform/ids';

/** The accounts that there are, and the queries of the requests for them. */
let accounts: Map<string, string>;
let queries: { ids: string; limit: string }[];
let isFailing: boolean;

vi.mock('../../console/src/api', () => ({
  api: () => ({
    users: {
      async $get({ query }: { query: { ids: string; limit: string } }) {
        queries.push(query);
        if (isFailing) throw new TypeError('Failed to fetch');
        const data = query.ids.split(',').flatMap((id) => {
          const name = accounts.get(id);
          return name === undefined ? [] : [{ id, name }];
        });
        return { json: async () => ({ data, nextCursor: null }) };
      },
    },
  }),
}));

function givenAccount(name: string): string {
  const id = newId();
  accounts.set(id, name);
  return id;
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

beforeEach(() => {
  accounts = new Map();
  queries = [];
  isFailing = false;
});

test('one request reads the names that a screen shows, and none fails because an account was deleted', async () => {
  const [ida, ben, gone] = [givenAccount('Ida'), givenAccount('Ben'), newId()];
  const names = [ida, gone, ben, ida].map(nameOf);
  await settled();
  expect(names.map(({ value }) => value)).toEqual(['Ida', null, 'Ben', 'Ida']);
  expect(queries).toEqual([{ ids: [ida, gone, ben].join(), limit: '100' }]);
  expect([nameOf(gone).value, nameOf(ida).value]).toEqual([null, 'Ida']);
  await settled();
  expect(queries).toHaveLength(1);
});

test('no request asks for more names than the API gives at once', async () => {
  const names = Array.from({ length: 201 }, (_, index) => nameOf(givenAccount(`${index}`)));
  await settled();
  expect(names.map(({ value }) => value)).toEqual(names.map((_, index) => `${index}`));
  expect(queries.map(({ ids }) => ids.split(',').length)).toEqual([100, 100, 1]);
});

test('a name that could not be read is asked for again', async () => {
  const ida = givenAccount('Ida');
  isFailing = true;
  const first = nameOf(ida);
  await settled();
  expect(first.value).toBeUndefined();
  isFailing = false;
  const name = nameOf(ida);
  await settled();
  expect(name.value).toBe('Ida');
});

test('a word in an address that is no id spoils no other name', async () => {
  const ida = givenAccount('Ida');
  const names = ['me', ida].map(nameOf);
  await settled();
  expect(names.map(({ value }) => value)).toEqual([undefined, 'Ida']);
  expect(queries).toEqual([{ ids: ida, limit: '100' }]);
});

test('a name that another answer has had meanwhile stays', async () => {
  const id = newId();
  const name = nameOf(id);
  learnName(id, 'Just registered');
  await settled();
  expect(name.value).toBe('Just registered');
});
