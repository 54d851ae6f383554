import { texts } from '../../language';
import { Loaded } from '../../parts/loaded';
import { Status, type Tone } from '../../parts/status';
import { useRead } from '../../read';

interface Readiness {
  status: 'ready' | 'degraded' | 'unavailable';
  issues: { code: string; detail: string }[];
}

const tones: Readonly<Record<Readiness['status'], Tone>> = { ready: 'good', degraded: 'warn', unavailable: 'bad' };

/** A system that is not available says so with 503 and the same body, which is an answer here and no error. */
async function readReadiness(
  headers: Record<string, string>,
): Promise<Omit<Response, 'json'> & { json(): Promise<Readiness> }> {
  return fetch('/v1/health/ready', { headers });
}

/** What is wrong, in words. */
export function Health() {
  const read = useRead<Readiness>('readiness', readReadiness);
  const text = texts.value.overview.health;
  return (
    <section aria-labelledby="health">
      <h2 id="health">{text.title}</h2>
      <Loaded read={read}>
        {({ status, issues = [] }) => (
          <>
            <p>
              <Status tone={tones[status] ?? 'bad'}>{text[status] ?? text.unknown}</Status>
            </p>
            <ul>
              {issues.map(({ code, detail }) => (
                <li key={code}>
                  <code>{code}</code> {detail}
                </li>
              ))}
            </ul>
          </>
        )}
      </Loaded>
    </section>
  );
}
