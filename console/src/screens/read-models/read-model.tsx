import './read-models.css';
import { Fragment } from 'preact';
import { useRoute } from 'preact-iso';
import { api } from '../../api';
import { texts } from '../../language';
import { Loaded } from '../../parts/loaded';
import { useRead } from '../../read';
import { useTitle } from '../../title';
import { FindKey } from '../inspector/find-key';
import { Failures } from './failures';
import { Rebuilds, StartRebuild, useRebuilds } from './rebuilds';
import { Rechecks } from './rechecks';
import { factsOfModels, type ReadModel as Model, type ReadModels } from './state-of-model';
import { Waiting } from './waiting';

function Figures({ model }: { model: Model }) {
  return (
    <dl class="facts">
      {factsOfModels().map(({ title, cell }) => (
        <Fragment key={title}>
          <dt>{title}</dt>
          <dd>{cell(model)}</dd>
        </Fragment>
      ))}
      {model.lastError !== null && (
        <>
          <dt>{texts.value.readModels.one.error}</dt>
          <dd>{model.lastError}</dd>
        </>
      )}
    </dl>
  );
}

function Found({ model, models }: { model: Model; models: ReadModels }) {
  const { view, failures } = model;
  const rebuilds = useRebuilds();
  const { one, rebuild } = texts.value.readModels;
  const isRunning = rebuilds.data.value?.data.some((each) => each.view === view && each.status === 'running');
  return (
    <>
      <Figures model={model} />
      <Failures models={[model]} />
      {model.keysToRecheck > 0 && <Rechecks view={view} />}
      {model.lagEvents > 0 && <Waiting views={models.data.map((each) => each.view)} />}
      <section aria-labelledby="inspect">
        <h2 id="inspect">{one.inspect}</h2>
        <FindKey views={models.data.map((each) => each.view)} view={view} failing={failures.map(({ key }) => key)} />
      </section>
      <section aria-labelledby="rebuild">
        <h2 id="rebuild">{rebuild.title}</h2>
        {!isRunning && <StartRebuild model={model} position={models.position} />}
        <Rebuilds read={rebuilds} view={view} />
      </section>
    </>
  );
}

/** One read model: how far it is, which of its documents fail, and its rebuilds. */
export function ReadModel() {
  const { view = '' } = useRoute().params;
  const read = useRead('projections', (headers) => api().operations.projections.$get({}, { headers }));
  const text = texts.value.readModels.one;
  useTitle(view);
  return (
    <>
      <p class="title">
        <a href="/console/read-models">← {text.back}</a>
      </p>
      <h1>{view}</h1>
      <Loaded read={read}>
        {(models) => {
          const model = models.data.find((each) => each.view === view);
          return model ? <Found key={view} model={model} models={models} /> : <p role="alert">{text.missing}</p>;
        }}
      </Loaded>
    </>
  );
}
