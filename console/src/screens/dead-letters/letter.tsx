import './dead-letters.css';
import type { InferResponseType } from 'hono/client';
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
import { Outcome } from './outcome';

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

function LetterOf({ id, decision }: { id: string; decision: string | undefined }) {
  const text = texts.value.deadLetters;
  const read = useRead(`dead letter ${id}`, (headers) =>
    api().operations['dead-letters'][':id'].$get({ param: { id } }, { headers }),
  );
  useTitle(id);
  return (
    <>
      <p class="title">
        <a href="/console/dead-letters">← {text.back}</a>
      </p>
      <Outcome decision={decision} />
      {isMissing(read.error.value) ? (
        <>
          <h1>{id}</h1>
          {!decision && <p role="alert">{text.letter.missing}</p>}
          <p>
            <a href={eventPath(Number.parseInt(id, 10))}>{text.letter.log}</a>
          </p>
        </>
      ) : (
        <Loaded read={read}>{(letter) => <Content letter={letter} />}</Loaded>
      )}
    </>
  );
}

/** One dead letter: its event, its error, and what to do about it. */
export function DeadLetter() {
  const { id = '' } = useRoute().params;
  const { query } = useAddress<'decision'>();
  return <LetterOf key={id} id={id} decision={query.decision} />;
}
