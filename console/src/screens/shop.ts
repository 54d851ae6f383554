// One script for these screens: people go from orders to items and back, and together they take less to load.
export { Item } from './item/item';
export { Items } from './items/items';
export { Order } from './order/order';
export { Orders } from './orders/orders';
