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
describe.skipIf(hasNoBrowser)('the console', () => {
  beforeAll(async () => {
    day = await Day.begin();
  });

  afterAll(() => day?.end());

  describe('an agent', () => agentsDay(() => day));
  describe('an admin', () => adminsDay(() => day));
  describe('several tabs and people', () => sharedDay(() => day));
  describe('an operator', () => operatorsDay(() => day));
});
