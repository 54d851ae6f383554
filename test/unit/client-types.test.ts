import { describe, expect, expectTypeOf, test } from 'vitest';
import { type Client, createClient } from '../../src/client';

/** What a call of the client returns as JSON. */
type Body<Call extends (...args: never[]) => Promise<{ json(): unknown }>> = Awaited<
  ReturnType<Awaited<ReturnType<Call>>['json']>
>;
type Tickets = Client['api']['tickets'];

// `tsc` checks what these tests say about types; what they say about values is checked when they run.
describe('the types of the client', () => {
  test('a ticket is that of a customer or that of an agent, and a program can ask which (product 6.1)', () => {
    type Ticket = Body<Tickets[':id']['$get']>;
    expectTypeOf<Extract<Ticket, { notes: unknown }>['notes'][number]['note']>().toEqualTypeOf<string>();
    expectTypeOf<Extract<Ticket, { noteCount: number }>>().not.toBeNever();
    expectTypeOf<Exclude<Ticket, { notes: unknown }>['message']>().toEqualTypeOf<string>();
    const notesOf = (ticket: Ticket) => ('notes' in ticket ? ticket.notes.map(({ note }) => note) : []);
    expectTypeOf(notesOf).returns.toEqualTypeOf<string[]>();
  });

  test('a row of the list of tickets is that of a customer or that of an agent', () => {
    type Row = Body<Tickets['$get']>['data'][number];
    expectTypeOf<Extract<Row, { hasNote: boolean }>['notePreview']>().toEqualTypeOf<string | null>();
    expectTypeOf<Exclude<Row, { hasNote: boolean }>['preview']>().toEqualTypeOf<string>();
  });

  test('the body of a command is that of its schema', () => {
    expectTypeOf<Body<Client['api']['orders']['$post']>>().toEqualTypeOf<{ id: string; version: number }>();
    expectTypeOf<Body<Client['api']['orders'][':id']['$get']>['total']['amount']>().toEqualTypeOf<number>();
  });
});

test('a query takes numbers and booleans, which the client sends as texts, and no wrong values (product 6.1)', async () => {
  const urls: string[] = [];
  const { api } = createClient('https://api.example', {
    fetch: async (url) => {
      urls.push(`${url}`);
      return Response.json({ data: [], nextCursor: null });
    },
  });
  await api.tickets.$get({ query: { limit: 5, hasNote: true, status: 'open' } });
  await api.tickets.$get({ query: { limit: '5', hasNote: 'false' } });
  await api.tickets.$get();
  await api.tickets[':id'].notes.$get({ param: { id: 'one' } });
  expect(urls).toEqual([
    'https://api.example/v1/tickets?limit=5&hasNote=true&status=open',
    'https://api.example/v1/tickets?limit=5&hasNote=false',
    'https://api.example/v1/tickets',
    'https://api.example/v1/tickets/one/notes',
  ]);
  // @ts-expect-error A limit is a number.
  expectTypeOf(api.tickets.$get).toBeCallableWith({ query: { limit: 'many' } });
  // @ts-expect-error There is no such status.
  expectTypeOf(api.tickets.$get).toBeCallableWith({ query: { status: 'lost' } });
  // @ts-expect-error There is no such filter.
  expectTypeOf(api.tickets.$get).toBeCallableWith({ query: { colour: 'blue' } });
  // @ts-expect-error A body has the fields of its schema.
  expectTypeOf(api.tickets.$post).toBeCallableWith({ json: { subject: 'a', massage: 'b' } });
});
