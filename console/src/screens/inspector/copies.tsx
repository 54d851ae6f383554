import { useSignal } from '@preact/signals';
import { say, sayCount, texts } from '../../language';
import { Ago } from '../../parts/ago';
import { DataTable } from '../../parts/data-table';
import { Status } from '../../parts/status';
import { compare, type Field } from './differences';
import type { InspectedKey } from './inspected-key';

/** What is known about each of the two copies. */
export function Copies({ found: { kv, database, epoch, logPosition } }: { found: InspectedKey }) {
  const text = texts.value.inspector.copies;
  const made = kv.document;
  const isMade = database.document !== null;
  return (
    <section aria-labelledby="copies">
      <h2 id="copies">{text.title}</h2>
      <DataTable
        caption={text.title}
        keyOf={({ name }) => name}
        rows={[
          {
            name: text.kv,
            state: text.of[kv.state],
            asOf: made?.asOf ?? '–',
            made: made ? <Ago time={made.projectedAt} /> : '–',
            epoch: made?.epoch ?? '–',
          },
          {
            name: text.database,
            state:
              database.error === null
                ? text.of[isMade ? 'present' : 'absent']
                : say(text.cannot, { error: database.error }),
            asOf: isMade ? say(text.newest, { position: String(logPosition) }) : '–',
            made: isMade ? text.now : '–',
            epoch,
          },
        ]}
        columns={[
          { title: text.which, cell: ({ name }) => <strong>{name}</strong> },
          { title: text.state, cell: ({ state }) => state },
          { title: text.asOf, cell: ({ asOf }) => asOf },
          { title: text.made, cell: ({ made }) => made },
          { title: text.epoch, cell: ({ epoch }) => epoch },
        ]}
      />
    </section>
  );
}

/** The ids of elements; their ends tell them apart, and the element has the whole of its own. */
const ids = /[\da-f-]{28}([\da-f]{8})/g;

function Fields({ caption, fields }: { caption: string; fields: readonly Field[] }) {
  const text = texts.value.inspector.content;
  const { kv, database } = texts.value.inspector.copies;
  function show(value: string | undefined, { isSame }: Field) {
    const written = value ?? <em>{text.nothing}</em>;
    return isSame ? written : <mark>{written}</mark>;
  }
  return (
    <DataTable
      caption={caption}
      keyOf={({ path }) => path}
      rows={fields}
      columns={[
        {
          title: text.field,
          cell: ({ path, isSame }) => (
            <>
              <code>{path.replace(ids, '…$1')}</code> {!isSame && <Status tone="warn">{text.differs}</Status>}
            </>
          ),
        },
        { title: kv, cell: (field) => show(field.one, field) },
        { title: database, cell: (field) => show(field.other, field) },
      ]}
    />
  );
}

/** The content of a copy, with the version that clients see as its ETag. */
function partsOf(document: InspectedKey['database']['document']) {
  return document ? { version: document.version, revision: document.revision, ...Object(document.data) } : undefined;
}

/** The content of the two copies side by side: what differs, and on request all of it. */
export function Content({ found }: { found: InspectedKey }) {
  const text = texts.value.inspector.content;
  const isOpen = useSignal(false);
  const { kv, database } = found;
  const copies = [kv, database].filter(({ document }) => document !== null);
  // What only one copy has differs from nothing.
  const fields = compare('', partsOf(kv.document), partsOf(database.document)).map((field) => ({
    ...field,
    isSame: field.isSame || copies.length < 2,
  }));
  const different = fields.filter(({ isSame }) => !isSame);
  return (
    <section class="compared" aria-labelledby="content-title">
      <h2 id="content-title">{text.title}</h2>
      {copies.length < 2 && <p>{copies.length === 0 ? text.none : text.one}</p>}
      {copies.length === 2 && different.length === 0 && <p>{text.same}</p>}
      {copies.length === 2 && different.length > 0 && (
        <Fields caption={sayCount(text.differences, different.length)} fields={different} />
      )}
      {copies.length > 0 && (
        <details
          onToggle={({ currentTarget }) => {
            isOpen.value = currentTarget.open;
          }}
        >
          <summary>{sayCount(text.all, fields.length)}</summary>
          {isOpen.value && <Fields caption={text.title} fields={fields} />}
        </details>
      )}
    </section>
  );
}
