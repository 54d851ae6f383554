import { afterAll, beforeAll, describe } from 'vitest';
import { hasNoBrowser, sayIfSkipped } from '../support/chromium';
import { Day } from '../support/console/day';
import { adminsDay } from './console/admin';
import { agentsDay } from './console/agent';
import { operatorsDay } from './console/operator';
import { sharedDay } from './console/shared';

sayIfSkipped('The tests of the console');

let day: Day;

// A real browser uses the console of the real Worker. All of it is done by keyboard, and nothing may go wrong on the way.
// Much of a day is waiting for queues, so the two halves of the shop work at the same time: nobody in one of them looks at
// a list that people of the other one change.
describe.skipIf(hasNoBrowser)('the console', () => {
  beforeAll(async () => {
    day = await Day.begin();
  });

  afterAll(() => day?.end());

  describe.concurrent('at the desk', () => {
    describe('an agent', { concurrent: false }, () => agentsDay(() => day));
    describe('several tabs and people', { concurrent: false }, () => sharedDay(() => day));
  });
  describe.concurrent('behind it', () => {
    describe('an operator', { concurrent: false }, () => operatorsDay(() => day));
    describe('an admin', { concurrent: false }, () => adminsDay(() => day));
  });
});
