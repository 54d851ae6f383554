// One script for these screens: people go from one to the other, and together they take less to load.
export { Item } from './item/item';
export { Items } from './items/items';
export { Me } from './me/me';
export { Order } from './order/order';
export { Orders } from './orders/orders';
export { People } from './people/people';
export { Person } from './person/person';
export { Ticket } from './ticket/ticket';
export { Tickets } from './tickets/tickets';
