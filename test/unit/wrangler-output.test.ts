import { expect, test } from 'vitest';
import { createNoiseFilter } from '../../scripts/wrangler-output';

const kept = (lines: readonly string[]) => lines.filter(createNoiseFilter());

test('what wrangler says about itself is left out, also in colours and in blocks of several lines', () => {
  const noise = [
    '\u001b[2m⎔ Starting local server...\u001b[22m',
    'Your Worker has access to the following bindings:',
    'env.DB (frontdesk)      D1 Database      local',
    '',
    '▲ [WARNING] Scheduled Workers are not automatically triggered during local development.',
    '  For more details, see the documentation.',
  ];
  expect(kept([...noise, 'Frontdesk is ready.'])).toEqual(['Frontdesk is ready.']);
});

test('a minute in which the schedule found nothing to do leaves no line, and one with work leaves its lines', () => {
  const idle = [
    '13:00:00Z figures events=12 deadLetters=0',
    '13:00:00Z relay.ran resent=0 rechecked=0',
    '13:00:00Z reconciler.ran checked=0 repaired=0 failed=0',
    '[frontdesk] 13:00:00Z relay.ran resent=0 rechecked=0',
  ];
  const work = ['13:01:00Z relay.ran resent=1 rechecked=0', '13:01:00Z GET /v1/health 200 0 ms'];
  expect(kept([...idle, ...work])).toEqual(work);
});

test('of several empty lines one is left', () => {
  expect(kept(['a', '', '', 'b'])).toEqual(['a', '', 'b']);
});
