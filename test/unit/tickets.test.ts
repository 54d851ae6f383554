import { describe, expect, test } from 'vitest';
import { type RecordedEvent, upcast } from '../../src/cqrs/log/event';
import { eventCatalogue } from '../../src/domains';
import { newId } from '../../src/platform/ids';
import { presentDashboard } from '../../src/tickets/dashboard';
import { changeStatus, previewOf, type Ticket, withNote } from '../../src/tickets/ticket';

const at = '2026-03-01T10:00:00.000Z';

function aTicket(overrides: Partial<Ticket> = {}): Ticket {
  return {
    id: newId(),
    version: 1,
    customerId: newId(),
    orderId: null,
    subject: 'Late',
    message: 'Where is it?',
    status: 'open',
    createdAt: '2026-03-01T09:00:00.000Z',
    updatedAt: '2026-03-01T09:00:00.000Z',
    triagedAt: null,
    triageSeconds: null,
    customerVersion: 1,
    customerUpdatedAt: '2026-03-01T09:00:00.000Z',
    ...overrides,
  };
}

describe('status and note are two intents (product 5.2)', () => {
  test('the first change notes when it was triaged, a later one leaves that', () => {
    const triaged = changeStatus(aTicket(), 'triaged', at);
    expect(triaged).toMatchObject({
      status: 'triaged',
      version: 2,
      customerVersion: 2,
      triagedAt: at,
      triageSeconds: 3600,
    });
    const closed = changeStatus(triaged, 'closed', '2026-03-02T10:00:00.000Z');
    expect(closed).toMatchObject({ status: 'closed', version: 3, triagedAt: at, triageSeconds: 3600 });
  });

  test('the status it has already is no change, closed or not', () => {
    for (const status of ['open', 'triaged', 'closed'] as const) {
      const ticket = aTicket({ status });
      expect(changeStatus(ticket, status, at)).toBe(ticket);
    }
  });

  test('a closed ticket keeps its status', () => {
    expect(() => changeStatus(aTicket({ status: 'closed' }), 'open', at)).toThrow(
      expect.objectContaining({ kind: 'conflict', code: 'tickets.closed' }),
    );
  });

  test('a note moves nothing that the customer sees', () => {
    const ticket = aTicket({ status: 'closed' });
    expect(withNote(ticket, at)).toEqual({ ...ticket, version: 2, updatedAt: at });
  });
});

describe('previews (product 5.3)', () => {
  test.each([
    ['short texts stay', 'Hello  there', 'Hello there'],
    ['exactly 120 characters stay', 'a'.repeat(120), 'a'.repeat(120)],
    ['a long text is cut at a word', `${'word '.repeat(30)}`, `${'word '.repeat(24).trim()}…`],
    ['a word that ends at 120 stays whole', `${'a'.repeat(120)} b`, `${'a'.repeat(120)}…`],
    ['one endless word is cut at 120', 'a'.repeat(200), `${'a'.repeat(120)}…`],
    ['never through a surrogate pair', `${'a'.repeat(119)}😀😀`, `${'a'.repeat(119)}…`],
    ['line breaks are spaces', 'one\n\ntwo', 'one two'],
  ])('%s', (_, text, preview) => expect(previewOf(text)).toBe(preview));
});

/** As the log holds it since the first version of the event. */
const recorded: RecordedEvent = {
  position: 7,
  id: '0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11',
  type: 'TicketStatusChanged',
  streamType: 'ticket',
  streamId: '0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b12',
  version: 2,
  schemaVersion: 1,
  data: { customerId: '0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b13', status: 'triaged' },
  metadata: { commandId: 'c', requestId: 'r' },
  occurredAt: '2026-01-01T00:00:00.000Z',
};

test('a status change of version 1 is lifted to the newest (product 6.4)', () => {
  const { schemaVersion, data } = upcast(eventCatalogue, recorded);
  expect([schemaVersion, data]).toEqual([
    2,
    { customerId: '0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b13', from: null, to: 'triaged' },
  ]);
  expect(() => upcast(eventCatalogue, { ...recorded, data: { status: 'lost' } })).toThrow();
});

describe('the dashboard at the moment it is read (product 5.5)', () => {
  const now = Date.parse('2026-03-31T12:00:00.000Z');
  const day = (date: string, opened: number, closed: number) => ({ date, opened, closed });

  test('shows thirty days, today included, with zeros where nothing happened', () => {
    const days = [day('2026-03-31', 2, 1), day('2026-03-02', 5, 0), day('2026-03-01', 9, 9)];
    const shown = presentDashboard({ counts: { open: 2 }, days, oldestOpenAt: null, medianTriageSeconds: null }, now);
    expect(shown.days).toHaveLength(30);
    expect([shown.days[0], shown.days[1], shown.days[29]]).toEqual([
      day('2026-03-02', 5, 0),
      day('2026-03-03', 0, 0),
      day('2026-03-31', 2, 1),
    ]);
    expect(shown).toMatchObject({ counts: { open: 2, triaged: 0, closed: 0 }, oldestOpenSeconds: null });
  });

  test('the oldest open ticket gets older without being touched', () => {
    const figures = { counts: {}, days: [], oldestOpenAt: '2026-03-31T11:00:00.000Z', medianTriageSeconds: 90.5 };
    expect(presentDashboard(figures, now)).toMatchObject({ oldestOpenSeconds: 3600, medianTriageSeconds: 91 });
    expect(presentDashboard(figures, now + 5000).oldestOpenSeconds).toBe(3605);
  });

  test('a desk that never had a ticket has a dashboard', () => {
    expect(presentDashboard(undefined, now)).toMatchObject({ counts: { open: 0 }, oldestOpenAt: null });
  });
});
