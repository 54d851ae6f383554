import './dead-letters.css';
import type { InferResponseType } from 'hono/client';
import type { ComponentChildren } from 'preact';
import { useRoute } from 'preact-iso';
import { useAddress } from '../../address';
import { api } from '../../api';
import { format, say, texts } from '../../language';
import { Loaded } from '../../parts/loaded';
import { isMissing, useRead } from '../../read';
import { useTitle } from '../../title';
import { EventFacts } from '../events/facts';
import { eventPath } from '../events/rows';
import { Decide } from './decide';
import { ErrorName, Explanation } from './explanation';
import { Fact, Facts } from './facts';
import { groupPath } from './groups';
import { Outcome, useDecision } from './outcome';

type Detail = InferResponseType<ReturnType<typeof api>['operations']['dead-letters'][':id']['$get']>;

function Content({ letter }: { letter: Detail }) {
  const text = texts.value.deadLetters;
  const failure = { subscription: letter.subscription, error: letter.lastError, fault: letter.fault };
  return (
    <>
      <h1>{say(text.letter.title, { type: letter.type, work: text.work[letter.subscription] })}</h1>
      <p>
        <ErrorName error={failure.error} /> · <a href={groupPath(failure)}>{text.letter.group}</a>
      </p>
      <Facts failure={failure} {...letter}>
        <Fact name={text.letter.sends}>{format.value.number(letter.sends)}</Fact>
      </Facts>
      <Explanation failure={failure} />
      <Decide
        failure={failure}
        selection={{ ids: [letter.id] }}
        count={1}
        what={`${letter.type} #${letter.position}`}
        isMain
        labels={{ replay: text.replay.one, discard: text.discard.one }}
      />
      <h2>
        <a href={eventPath(letter.position)}>
          {text.letter.what} #{letter.position}
        </a>
      </h2>
      <EventFacts event={letter.event} />
    </>
  );
}

/** What is left of a dead letter that was replayed or discarded. */
function Gone({ id, children }: { id: string; children?: ComponentChildren }) {
  return (
    <>
      <h1>{id}</h1>
      {children}
      <p>
        <a href={eventPath(Number.parseInt(id, 10))}>{texts.value.deadLetters.letter.log}</a>
      </p>
    </>
  );
}

function Open({ id }: { id: string }) {
  const read = useRead(`dead letter ${id}`, (headers) =>
    api().operations['dead-letters'][':id'].$get({ param: { id } }, { headers }),
  );
  if (!isMissing(read.error.value)) return <Loaded read={read}>{(letter) => <Content letter={letter} />}</Loaded>;
  return (
    <Gone id={id}>
      <p role="alert">{texts.value.deadLetters.letter.missing}</p>
    </Gone>
  );
}

/** A letter after a decision about it: it is one again if it failed again. */
function Decided({ id, decision }: { id: string; decision: string }) {
  const read = useDecision(decision);
  const state = read.data.value?.data.find((letter) => letter.id === id)?.state;
  return (
    <>
      <Outcome read={read} />
      {state === 'dead' ? <Open id={id} /> : <Gone id={id} />}
    </>
  );
}

/** One dead letter: its event, its error, and what to do about it. */
export function DeadLetter() {
  const { id = '' } = useRoute().params;
  const { decision } = useAddress<'decision'>().query;
  useTitle(id);
  return (
    <>
      <p class="title">
        <a href="/console/dead-letters">← {texts.value.deadLetters.back}</a>
      </p>
      {decision ? <Decided key={`${id} ${decision}`} id={id} decision={decision} /> : <Open key={id} id={id} />}
    </>
  );
}
