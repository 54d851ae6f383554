import { texts } from '../../language';
import { Loaded } from '../../parts/loaded';
import { Status, type Tone } from '../../parts/status';
import { useRead } from '../../read';
import { isAdmin } from '../../session';

interface Readiness {
  status: 'ready' | 'degraded' | 'unavailable';
  issues: { code: string; detail: string; remedy?: string }[];
}

const tones: Readonly<Record<Readiness['status'], Tone>> = { ready: 'good', degraded: 'warn', unavailable: 'bad' };

/** The screens on which an operator looks into an issue. */
const screens: Readonly<Record<string, 'readModels' | 'deadLetters' | 'people' | undefined>> = {
  'projections-slow': 'readModels',
  'deliveries-late': 'readModels',
  'dead-letters': 'deadLetters',
  'erasures-stalled': 'people',
};
const addresses = { readModels: 'read-models', deadLetters: 'dead-letters', people: 'people' } as const;

/** A system that is not available says so with 503 and the same body, which is an answer here and no error. */
async function readReadiness(
  headers: Record<string, string>,
): Promise<Omit<Response, 'json'> & { json(): Promise<Readiness> }> {
  const response = await fetch('/v1/health/ready', { headers });
  // A browser counts a response whose body nobody reads as given up.
  if (response.status === 304) await response.text();
  return response;
}

/** An issue, what to do about it, and where. The words of the API are English. */
function Issue({ code, detail, remedy }: Readiness['issues'][number]) {
  const { issues } = texts.value.overview.health;
  const screen = isAdmin.value ? screens[code] : undefined;
  return (
    <li>
      <h3>{code in issues ? issues[code as keyof typeof issues] : code}</h3>
      <p lang="en">{detail}</p>
      {remedy && (
        <p lang="en" class="quiet">
          {remedy}
        </p>
      )}
      {screen && <a href={`/console/${addresses[screen]}`}>{texts.value.sections[screen]}</a>}
    </li>
  );
}

/** What is wrong, in words. */
export function Health() {
  const read = useRead<Readiness>('readiness', readReadiness);
  const text = texts.value.overview.health;
  return (
    <Loaded read={read}>
      {({ status, issues = [] }) => (
        <section class={`panel health ${tones[status] ?? 'bad'}`} aria-labelledby="health">
          <h2 id="health" class="hidden">
            {text.title}
          </h2>
          <div role="status">
            <Status tone={tones[status] ?? 'bad'}>{text[status] ?? text.unknown}</Status>
          </div>
          {issues.length > 0 && (
            <ul class="issues">
              {issues.map((issue) => (
                <Issue key={`${issue.code} ${issue.detail}`} {...issue} />
              ))}
            </ul>
          )}
        </section>
      )}
    </Loaded>
  );
}
