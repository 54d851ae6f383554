import { defineKeyView } from '../access/key-view';
import { UserDeleted } from '../users/events';
import { apiKeyEvents } from './events';
import { apiKeys } from './tables';

/** By which requests with API keys are checked. */
export const keyView = defineKeyView(apiKeys, apiKeyEvents, UserDeleted);

export const apiKeyViews = [keyView];
