import { Hono } from 'hono';
import type { AccessRules } from '../http/access';
import type { RouteEnv } from '../http/context';
import { describeCommand } from '../http/openapi';
import { limitByNetwork, limitEmailConfirmations } from '../http/rate-limits';
import { sendDone } from '../http/responses';
import { validate } from '../http/validation';
import type { ConfirmationCommands } from './confirmation-commands';
import * as schemas from './schemas';

/** The confirmation of an address with the link of an e-mail, for people who are not signed in. */
export const confirmationRoutes = new Hono<RouteEnv<ConfirmationCommands, object>>().post(
  '/confirm',
  describeCommand<ConfirmationCommands>('ConfirmEmail', {
    summary: 'Confirm an e-mail address with the token of the e-mail',
    description:
      'Works once. If the link is for a change, the account has the new address from then on, and the old one is told.',
    tags: ['Users'],
    status: 204,
  }),
  limitByNetwork,
  validate('json', schemas.confirmEmail),
  async (c) => {
    await limitEmailConfirmations(c, c.req.valid('json').token);
    return sendDone(c, await c.var.commands.ConfirmEmail(c.req.valid('json')));
  },
);

/** Whom the route serves. */
export const confirmationAccess: AccessRules<typeof confirmationRoutes> = { 'POST /confirm': 'everybody' };
