import { upcast } from '../../src/cqrs/log/event';
import { type EventRow, toRecordedEvent } from '../../src/cqrs/log/event-log';
import { documentKey, targetsOf } from '../../src/cqrs/reading/view';
import { breakDocument, correctDocuments, type FaultKind, faultKinds } from './faulty-views';
import type { Clients } from './history';
import type { SimulatedPlatform } from './platform';

/** A text that no column with JSON may have. */
const broken = 'not JSON {';

/** The columns with JSON, and the key of the document that their rows are needed for; an event is needed for no document. */
const columns = [
  { table: 'events', column: 'data', id: 'position', view: undefined },
  { table: 'orders', column: 'lines', id: 'id', view: 'order' },
  { table: 'orders', column: 'shipping_address', id: 'id', view: 'order' },
] as const;

interface BrokenRow {
  table: (typeof columns)[number];
  id: number | string;
  /** The text before. */
  text: string;
}

interface Delivery {
  position: number;
  subscription: string;
}

/** Code that fails on single documents, and rows that cannot be read, until somebody corrects them. */
export class Defects {
  /** The names of views with the keys of the documents that fail. */
  readonly #documents = new Set<string>();
  readonly #rows: BrokenRow[] = [];
  #isCodeFaulty = false;

  constructor(
    readonly platform: SimulatedPlatform,
    readonly clients: Clients,
  ) {
    correctDocuments();
  }

  /** Whether something fails by its own fault now. A restore can bring back a row that was corrected. */
  get exist(): boolean {
    const { d1 } = this.platform;
    const isBroken = ({ table: { table, column, id: key }, id }: BrokenRow) =>
      d1.query(`SELECT 1 FROM ${table} WHERE ${key} = ? AND ${column} = ?`, id, broken).length > 0;
    return this.#isCodeFaulty || this.#rows.some(isBroken);
  }

  /** Makes the code of one version, or of both, fail on a document. Returns the name of the document's view. */
  breakCode(): string | undefined {
    const { d1, world } = this.platform;
    const rows = d1.query<{ view: string; key: string }>('SELECT view, key FROM projections ORDER BY view, key');
    const chosen = world.pick(rows);
    const kind: FaultKind = world.pick(faultKinds) ?? 'no document';
    if (!chosen) return undefined;
    const [name = ''] = chosen.view.split('@');
    breakDocument(world.pick([[1, 2], [1, 2], [1], [2]]) ?? [1, 2], `${name}:${chosen.key}`, kind);
    this.#isCodeFaulty = true;
    this.#note(`${name}:${chosen.key}`, 'the code fails on a document', kind);
    return name;
  }

  /** Makes a row of D1 unreadable. */
  breakRow(): string | undefined {
    const { d1, world } = this.platform;
    const table = world.pick(columns) ?? columns[0];
    // The events whose deliveries are pending are read again.
    const some = table.table === 'events' ? 'WHERE position IN (SELECT position FROM deliveries)' : '';
    const rows = d1.query<{ id: number | string; text: string }>(
      `SELECT ${table.id} AS id, ${table.column} AS text FROM ${table.table} ${some} ORDER BY 1 DESC LIMIT 5`,
    );
    const chosen = world.pick(rows);
    if (!chosen || chosen.text === broken) return undefined;
    // The check reads the log as it was.
    this.clients.observe();
    this.#rows.push({ table, ...chosen });
    if (table.table === 'orders') this.platform.hadBrokenOrder = true;
    d1.query(`UPDATE ${table.table} SET ${table.column} = ? WHERE ${table.id} = ?`, broken, chosen.id);
    this.#note(table.view ? `${table.view}:${chosen.id}` : '', 'a row of D1 becomes unreadable', table.table);
    return table.view;
  }

  #note(document: string, what: string, which: string): void {
    if (document !== '') this.#documents.add(document);
    this.platform.world.note(what, which);
    this.platform.world.trace?.('DEFECT', `${which}: ${document || 'an event'}`);
  }

  /** Corrects the rows, and deploys corrected code. */
  correct(): void {
    const { d1, world } = this.platform;
    correctDocuments();
    for (const { table, id, text } of this.#rows) {
      const sql = `UPDATE ${table.table} SET ${table.column} = ? WHERE ${table.id} = ? AND ${table.column} = ?`;
      d1.query(sql, text, id, broken);
    }
    this.#isCodeFaulty = false;
    world.trace?.('DEFECT', 'everything is corrected');
  }

  /** Whether the work of a delivery met something that failed by its own fault. */
  concern({ position, subscription }: Delivery): boolean {
    if (this.#rows.some(({ table, id }) => table.table === 'events' && id === position)) return true;
    return (
      subscription === 'projections' && this.#documentsOf(position).some((document) => this.#documents.has(document))
    );
  }

  concernDocument(kvKey: string): boolean {
    return this.#documents.has(withoutShape(kvKey));
  }

  #documentsOf(position: number): string[] {
    const { d1, releases } = this.platform;
    const [row] = d1.query<Record<string, unknown> & EventRow>('SELECT * FROM events WHERE position = ?', position);
    if (!row || row.data === broken) return [];
    const readers = releases.filter((release) => !this.platform.isUnreadable(release, position));
    return readers.flatMap(({ eventCatalogue, views }) =>
      targetsOf(views, upcast(eventCatalogue, toRecordedEvent(row)))
        .map(documentKey)
        .map(withoutShape),
    );
  }
}

/** `order@1:…` is a document of the view `order`. */
function withoutShape(kvKey: string): string {
  return kvKey.replace(/@\d+:/, ':');
}
