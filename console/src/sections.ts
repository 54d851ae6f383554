import type { FunctionComponent } from 'preact';
import { lazy } from 'preact-iso';
import { untilLoaded } from './newer-version';
import { operators } from './operators';
import { Overview } from './screens/overview/overview';
import type { english } from './texts/shared';

/** A section of the navigation, with the screens of its addresses. Screens after the first are loaded when one of them is shown. */
export interface Section {
  name: keyof typeof english.sections;
  /** The address of its first screen. */
  path: string;
  /** The API refuses everybody else too. */
  isForAdmins?: boolean;
  screens: readonly { path: string; component: FunctionComponent }[];
}

/** The screens of agents and admins. */
const staff = () => untilLoaded(() => import('./screens/staff'));

const tickets = lazy(() => staff().then(({ Tickets }) => Tickets));
const ticket = lazy(() => staff().then(({ Ticket }) => Ticket));
const orders = lazy(() => staff().then(({ Orders }) => Orders));
const order = lazy(() => staff().then(({ Order }) => Order));
const items = lazy(() => staff().then(({ Items }) => Items));
const item = lazy(() => staff().then(({ Item }) => Item));
const people = lazy(() => staff().then(({ People }) => People));
const person = lazy(() => staff().then(({ Person }) => Person));
const readModels = lazy(() => operators().then(({ ReadModels }) => ReadModels));
const readModel = lazy(() => operators().then(({ ReadModel }) => ReadModel));
const inspector = lazy(() => operators().then(({ Inspector }) => Inspector));
const me = lazy(() => staff().then(({ Me }) => Me));
const deadLetters = lazy(() => operators().then(({ DeadLetters }) => DeadLetters));
const deadLetter = lazy(() => operators().then(({ DeadLetter }) => DeadLetter));
const events = lazy(() => operators().then(({ Events }) => Events));
const event = lazy(() => operators().then(({ Event }) => Event));

/** The sections in the order of the navigation. */
export const sections: readonly Section[] = [
  { name: 'overview', path: '/console', screens: [{ path: '/console', component: Overview }] },
  {
    name: 'tickets',
    path: '/console/tickets',
    screens: [
      { path: '/console/tickets', component: tickets },
      { path: '/console/tickets/:id', component: ticket },
    ],
  },
  {
    name: 'orders',
    path: '/console/orders',
    screens: [
      { path: '/console/orders', component: orders },
      { path: '/console/orders/:id', component: order },
    ],
  },
  {
    name: 'items',
    path: '/console/items',
    screens: [
      { path: '/console/items', component: items },
      { path: '/console/items/:id', component: item },
    ],
  },
  {
    name: 'people',
    path: '/console/people',
    screens: [
      { path: '/console/people', component: people },
      { path: '/console/people/:id', component: person },
    ],
  },
  {
    name: 'readModels',
    path: '/console/read-models',
    isForAdmins: true,
    screens: [
      { path: '/console/read-models', component: readModels },
      { path: '/console/read-models/:view', component: readModel },
      { path: '/console/read-models/:view/:key', component: inspector },
    ],
  },
  {
    name: 'deadLetters',
    path: '/console/dead-letters',
    isForAdmins: true,
    screens: [
      { path: '/console/dead-letters', component: deadLetters },
      { path: '/console/dead-letters/:id', component: deadLetter },
    ],
  },
  {
    name: 'events',
    path: '/console/events',
    isForAdmins: true,
    screens: [
      { path: '/console/events', component: events },
      { path: '/console/events/:position', component: event },
    ],
  },
  { name: 'me', path: '/console/me', screens: [{ path: '/console/me', component: me }] },
];
