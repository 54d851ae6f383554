import type { InferResponseType } from 'hono/client';
import type { api } from '../../api';

type KeyApi = ReturnType<typeof api>['operations']['projections'][':view']['keys'][':key'];

/** A document with all that is known about it. */
export type InspectedKey = InferResponseType<KeyApi['$get']>;

/** Work for an event that touches the document. */
export type OpenDelivery = InspectedKey['deliveries'][number];
