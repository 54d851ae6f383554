import type { NotificationFacts, NotificationKind } from './notification';

const token = 'b3f1c0de';
const key = { keyId: '019be000-0000-7000-8000-000000000002', prefix: 'fd_02yhBnJxLzhsmKGvYkR3Ae' };
const order = { number: 1001, total: { amount: 4998, currency: 'EUR' } };
const ticket = { ticketId: '019be000-0000-7000-8000-000000000001' };

/** Facts of every kind, for the previews in a browser and for tests: each text that an e-mail can have occurs once at least. */
export const examples: { readonly [Kind in NotificationKind]: readonly NotificationFacts[Kind][] } = {
  welcome: [{}, { confirmation: { url: `https://shop.example/confirm-email#token=${token}`, validMinutes: 10080 } }],
  'confirm-address': [
    { purpose: 'again', url: `https://shop.example/confirm-email#token=${token}`, validMinutes: 10080 },
    { purpose: 'change', url: `https://shop.example/confirm-email#token=${token}`, validMinutes: 10080 },
  ],
  'address-changed': [{ reader: 'old' }, { reader: 'new' }],
  'password-reset': [{ url: `https://shop.example/reset-password#token=${token}`, validMinutes: 60 }],
  'password-changed': [{ by: 'change' }, { by: 'reset' }],
  'api-key-created': [
    { ...key, isOfService: false },
    { ...key, isOfService: true },
  ],
  'order-placed': [order],
  'order-shipped': [order],
  'order-delivered': [order],
  'order-cancelled': [order],
  'ticket-replied': [ticket],
  'ticket-closed': [ticket],
};
