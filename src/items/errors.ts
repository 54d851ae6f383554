import { defineError } from '../platform/errors';

/** The errors of the catalogue of items. */
export const itemErrors = {
  notFound: defineError({
    code: 'items.not-found',
    kind: 'not-found',
    meaning: 'No item has this id, or you want to change an item that belongs to somebody else.',
    remedy: 'Check the id. Customers change their own items only.',
    text: ({ itemId }: { itemId: string }) => `There is no item ${itemId}, or it is not yours to change. Check the id.`,
  }),
  onlyStaffSells: defineError({
    code: 'items.only-staff-sells',
    kind: 'forbidden',
    meaning: 'In this shop only agents and admins sell, so a customer can neither create an item nor change one.',
    remedy:
      'Ask an admin for the role agent. The owner of an item can still delete it, and take it off sale with `{"isActive": false}` alone.',
    text: ({ role }: { role: string }) =>
      `Only agents and admins sell in this shop, and your account has the role ${role}. Ask an admin for the role agent.`,
  }),
  notYours: defineError({
    code: 'items.not-yours',
    kind: 'forbidden',
    meaning:
      'The item belongs to somebody else. An agent takes such an item off sale, and puts back on sale what agents or admins took off sale; everything else is for its owner and for admins.',
    remedy: 'Send `{"isActive": false}` alone to take the item off sale, or ask an admin for another change.',
    text: ({ itemId }: { itemId: string }) =>
      `The item ${itemId} is not yours. An agent can only take it off sale: send {"isActive": false} alone, or ask an admin.`,
  }),
  takenDown: defineError({
    code: 'items.taken-down',
    kind: 'conflict',
    meaning: 'An agent or an admin took the item off sale, so its owner cannot put it back.',
    remedy: 'Ask an agent or an admin to put the item back on sale. You can correct or delete it meanwhile.',
    text: ({ itemId }: { itemId: string }) =>
      `The staff took the item ${itemId} off sale. Ask an agent or an admin to put it back on sale.`,
  }),
};
