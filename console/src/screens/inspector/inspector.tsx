import './inspector.css';
import { useRoute } from 'preact-iso';
import { api } from '../../api';
import { format, say, texts } from '../../language';
import { Loaded } from '../../parts/loaded';
import { Status, type Tone } from '../../parts/status';
import { useRead } from '../../read';
import { useTitle } from '../../title';
import { Content, Copies } from './copies';
import { Deliveries } from './deliveries';
import { explain, type Reason } from './explain';
import type { InspectedKey } from './inspected-key';
import { inspectorOf, placesOf } from './places';
import { ProjectNow } from './project-now';
import { Work } from './work';

const tones: Readonly<Partial<Record<Reason, Tone>>> = {
  'up-to-date': 'good',
  'no-such-document': 'quiet',
  failing: 'bad',
  'event-dead': 'bad',
  different: 'bad',
};

function Verdict({ found }: { found: InspectedKey }) {
  const text = texts.value.inspector;
  const { reason, values } = explain(found, format.value.time);
  const { state, why, todo } = text.verdict[reason];
  return (
    <div class="panel verdict">
      <p>
        <strong>
          <Status tone={tones[reason] ?? 'warn'}>{state}</Status>
        </strong>
      </p>
      <p>{say<string>(why, values)}</p>
      <p>
        <strong>{text.todo}:</strong> {say<string>(todo, values)}
      </p>
      <ProjectNow found={found} state={state} isHeld={reason === 'held'} />
    </div>
  );
}

function Links({ found }: { found: InspectedKey }) {
  const { view, key } = found;
  const text = texts.value.inspector;
  const { thing, others } = placesOf(view, key);
  const { missing } = explain(found, format.value.time);
  return (
    <nav class="see-also" aria-label={text.links}>
      {missing && <a href={`/console/events/${missing.position}`}>{text.event}</a>}
      {missing?.status === 'dead' && (
        <>
          <a href={`/console/dead-letters/${missing.id}`}>{text.letter}</a>
          <a href="/console/dead-letters?subscription=projections">{text.letters}</a>
        </>
      )}
      {thing && (
        <>
          <a href={thing.screen}>{text.screen[thing.owner]}</a>
          <a href={`/console/events?stream=${thing.owner}/${key}`}>{text.events}</a>
        </>
      )}
      {others.length > 0 && <span class="quiet">{text.others}</span>}
      {others.map((name) => (
        <a key={name} href={inspectorOf(name, key)}>
          {name}
        </a>
      ))}
    </nav>
  );
}

function InspectorOf({ view, documentKey }: { view: string; documentKey: string }) {
  const read = useRead(`key ${view} ${documentKey}`, (headers) =>
    api().operations.projections[':view'].keys[':key'].$get({ param: { view, key: documentKey } }, { headers }),
  );
  const text = texts.value.inspector;
  useTitle(`${view} ${documentKey}`);
  return (
    <>
      <p class="title">
        <a href={`/console/read-models/${view}`}>← {say(text.back, { view })}</a>
      </p>
      <h1>{say(text.document, { view })}</h1>
      <p>
        <code>{documentKey}</code>
      </p>
      <Loaded read={read}>
        {(found) => (
          <>
            <Verdict found={found} />
            <Links found={found} />
            <Copies found={found} />
            <Content found={found} />
            <Deliveries found={found} />
            <Work found={found} />
          </>
        )}
      </Loaded>
    </>
  );
}

/** Any document: the copy that KV has and the one that the database makes, and why it is, or is not, up to date. */
export function Inspector() {
  const { view = '', key = '' } = useRoute().params;
  return <InspectorOf key={`${view} ${key}`} view={view} documentKey={key} />;
}
