import './read-models.css';
import { api } from '../../api';
import { format, say, texts } from '../../language';
import { Ago } from '../../parts/ago';
import { DataTable } from '../../parts/data-table';
import { Loaded } from '../../parts/loaded';
import { useRead } from '../../read';
import { useTitle } from '../../title';
import { FindKey } from '../inspector/find-key';
import { Failures } from './failures';
import { Rebuilds, useRebuilds } from './rebuilds';
import { type ReadModels as Found, factsOfModels, type ReadModel } from './state-of-model';
import { Waiting } from './waiting';

function Table({ models }: { models: readonly ReadModel[] }) {
  const { columns: text, list } = texts.value.readModels;
  return (
    <div class="models">
      <DataTable
        caption={list}
        rows={models}
        keyOf={({ view }) => view}
        columns={[
          { title: text.view, cell: ({ view }) => <a href={`/console/read-models/${view}`}>{view}</a> },
          ...factsOfModels(),
        ]}
      />
    </div>
  );
}

function Round({ title, round }: { title: string; round: Found['reconciliation']['keys'] }) {
  const text = texts.value.readModels.rounds;
  const { startedAt, finishedAt } = round;
  const isRunning = startedAt !== null && (finishedAt === null || startedAt > finishedAt);
  return (
    <>
      <dt>{title}</dt>
      <dd>
        {finishedAt === null ? (
          text.never
        ) : (
          <>
            {text.finished} <Ago time={finishedAt} />
          </>
        )}
        {isRunning && (
          <>
            {'; '}
            {text.running} <Ago time={startedAt} />
          </>
        )}
      </dd>
    </>
  );
}

function Rounds({ reconciliation: { documents, keys } }: Pick<Found, 'reconciliation'>) {
  const text = texts.value.readModels.rounds;
  return (
    <section aria-labelledby="rounds">
      <h2 id="rounds">{text.title}</h2>
      <p>{text.intro}</p>
      <dl class="facts">
        <Round title={text.documents} round={documents} />
        <Round title={text.keys} round={keys} />
      </dl>
    </section>
  );
}

/** All read models: how far they are, what waits for them, and the rebuilds. */
export function ReadModels() {
  const read = useRead('projections', (headers) => api().operations.projections.$get({}, { headers }));
  const rebuilds = useRebuilds();
  const text = texts.value.readModels;
  useTitle(texts.value.sections.readModels);
  return (
    <>
      <h1>{texts.value.sections.readModels}</h1>
      <Loaded read={read}>
        {({ data, isComplete, position, lagTargetSeconds, reconciliation }) => (
          <>
            <p class="intro quiet">
              {say(text.intro, { position: String(position), target: format.value.number(lagTargetSeconds) })}
            </p>
            {!isComplete && <p>{text.incomplete}</p>}
            <Table models={data} />
            <Failures models={data} />
            <Waiting views={data.map(({ view }) => view)} />
            <section aria-labelledby="why">
              <h2 id="why">{texts.value.inspector.title}</h2>
              <FindKey views={data.map(({ view }) => view)} />
            </section>
            <section aria-labelledby="rebuilds">
              <h2 id="rebuilds">{text.rebuild.recent}</h2>
              <Rebuilds read={rebuilds} />
            </section>
            <Rounds reconciliation={reconciliation} />
          </>
        )}
      </Loaded>
    </>
  );
}
