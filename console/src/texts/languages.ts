// Only the build runs this module: it makes a file of data of each language, so that nobody loads the words of another one.
import * as access from '../parts/access-texts';
import * as findPeople from '../parts/people-texts';
import * as deadLetters from '../screens/dead-letters/texts';
import * as events from '../screens/events/texts';
import * as inspector from '../screens/inspector/texts';
import * as item from '../screens/item/texts';
import * as items from '../screens/items/texts';
import * as machinery from '../screens/machinery/texts';
import * as me from '../screens/me/texts';
import * as order from '../screens/order/texts';
import * as orders from '../screens/orders/texts';
import * as overview from '../screens/overview/texts';
import * as people from '../screens/people/texts';
import * as person from '../screens/person/texts';
import * as readModels from '../screens/read-models/texts';
import * as ticket from '../screens/ticket/texts';
import * as tickets from '../screens/tickets/texts';
import * as api from './api';
import * as shared from './shared';
import type { Translation } from './translation';

const en = {
  ...shared.english,
  access: access.english,
  api: api.english,
  deadLetters: deadLetters.english,
  events: events.english,
  findPeople: findPeople.english,
  inspector: inspector.english,
  item: item.english,
  items: items.english,
  machinery: machinery.english,
  me: me.english,
  order: order.english,
  orders: orders.english,
  overview: overview.english,
  people: people.english,
  person: person.english,
  readModels: readModels.english,
  ticket: ticket.english,
  tickets: tickets.english,
};

const de: Translation<typeof en> = {
  ...shared.german,
  access: access.german,
  api: api.german,
  deadLetters: deadLetters.german,
  events: events.german,
  findPeople: findPeople.german,
  inspector: inspector.german,
  item: item.german,
  items: items.german,
  machinery: machinery.german,
  me: me.german,
  order: order.german,
  orders: orders.german,
  overview: overview.german,
  people: people.german,
  person: person.german,
  readModels: readModels.german,
  ticket: ticket.german,
  tickets: tickets.german,
};

/** The console's texts: those that all screens share, and those of each screen under its name. */
export type Texts = typeof en;

/** All texts by the language's subtag of BCP 47. */
export const languages = { en, de };

/** The texts that are not needed at first, by the files in which they come: those of the screens of operators, and those of failures. */
export const later: Readonly<Record<string, readonly string[]>> = {
  operators: ['machinery', 'readModels', 'inspector', 'deadLetters', 'events'],
  api: ['api'],
};

/** A language that the console speaks. */
export type Language = keyof typeof languages;
