import { texts } from '../../language';
import { Loaded } from '../../parts/loaded';
import { type Details, OfApi } from '../../parts/of-api';
import { Status, type Tone } from '../../parts/status';
import { useRead } from '../../read';
import { isAdmin } from '../../session';

interface Readiness {
  status: 'ready' | 'degraded' | 'unavailable';
  issues: { code: string; detail: string; remedy?: string; details?: Details }[];
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

/** An issue, what to do about it, and where. */
function Issue({ code, detail, remedy, details = {} }: Readiness['issues'][number]) {
  const { issues } = texts.value.overview.health;
  // Some issues have two sentences, of which one is about such a detail.
  const kind = ['view', 'isMore'].find((name) => name in details);
  const screen = isAdmin.value ? screens[code] : undefined;
  return (
    <li>
      <h3>{code in issues ? issues[code as keyof typeof issues] : code}</h3>
      <p>
        <OfApi code={kind ? `${code}.${kind}` : code} details={details}>
          {detail}
        </OfApi>
      </p>
      {remedy && (
        <p class="quiet">
          <OfApi code={`${code}.remedy`}>{remedy}</OfApi>
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
