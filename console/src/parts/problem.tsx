import { ProblemError } from '@frontdesk/client';
import { say, texts } from '../language';
import { SessionOverError } from '../session';
import { OfApi } from './of-api';

/** Says why something failed: for a refusal of the API what happened, what to do, and the id of the request. */
export function ProblemNotice({ error, retry }: { error: unknown; retry?: () => void }) {
  // After the end of a session the sign-in says so.
  if (error === undefined || error instanceof SessionOverError) return null;
  const text = texts.value.problem;
  return (
    <div class="problem" role="alert">
      {error instanceof ProblemError ? (
        <Refusal error={error} />
      ) : (
        <p>{error instanceof TypeError ? text.network : text.unexpected}</p>
      )}
      {retry && (
        <button type="button" onClick={retry}>
          {text.again}
        </button>
      )}
    </div>
  );
}

function Refusal({ error: { code, problem, message } }: { error: ProblemError }) {
  const text = texts.value.problem;
  return (
    <>
      <p>
        <OfApi code={code} details={problem?.details}>
          {message || code}
        </OfApi>
      </p>
      {problem?.errors && (
        <ul lang="en">
          {problem.errors.map(({ pointer, detail }) => (
            <li key={pointer}>
              <code>{pointer}</code> {detail}
            </li>
          ))}
        </ul>
      )}
      <p class="quiet">
        <a href={`/problems/${code}`} target="_blank" rel="noreferrer">
          {text.remedy}
        </a>
        {problem?.requestId && <span> · {say(text.request, { id: problem.requestId })}</span>}
      </p>
    </>
  );
}
