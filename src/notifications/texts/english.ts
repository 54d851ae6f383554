import type { OrderFacts } from '../notification';
import type { Saying, Text, Texts } from './text';

/** @param what what has happened to the order, after its number */
function order(what: string, next: string) {
  return ({ number, total }: OrderFacts, { at, brand, money }: Saying): Text => ({
    subject: `Your order ${number} at ${brand} ${what}`,
    paragraphs: [`your order ${number} ${what} on ${at}. Its total is ${money(total)}.`, next],
  });
}

export const english: Texts = {
  greeting: (name) => (name === undefined ? 'Hello,' : `Hello ${name},`),
  unsubscribe: ({ brand }) =>
    `You get this e-mail because e-mails about orders and tickets are on for your account at ${brand}. To turn them off, use this link:`,
  unsubscribing: {
    title: 'Turn off e-mails',
    question: (brand) =>
      `Do you want no more e-mails about orders and tickets from ${brand}? We still write to you about the security of your account.`,
    button: 'Turn off e-mails',
    done: (brand) =>
      `You get no more e-mails about orders and tickets from ${brand}. You can turn them on again in the settings of your account.`,
    invalid:
      'This link does not work. Please open the whole link of a newer e-mail, or use the settings of your account.',
  },
  kinds: {
    welcome: ({ confirmation }, { brand, duration }) => ({
      subject: `Welcome to ${brand}`,
      paragraphs: [
        'your account is ready. You can sign in with your e-mail address and your password.',
        'If you did not expect this message, please ignore it.',
        ...(confirmation
          ? [
              `Please confirm that this is your address, so that we can write to you about your orders. Use this link within ${duration(confirmation.validMinutes)}:`,
            ]
          : []),
      ],
      link: confirmation?.url,
    }),
    'confirm-address': ({ purpose, url, validMinutes }, { brand, duration }) => ({
      subject: `Confirm your e-mail address at ${brand}`,
      paragraphs: [
        purpose === 'change'
          ? `somebody asked to make this the e-mail address of an account at ${brand}. If it was not you, ignore this message: nothing is changed.`
          : `somebody asked us to send you this link, which confirms that this is the address of your account at ${brand}. If it was not you, ignore this message.`,
        `If it was you, use this link within ${duration(validMinutes)}:`,
      ],
      link: url,
    }),
    'address-changed': ({ reader }, { at, brand }) => ({
      subject: `The e-mail address of your account at ${brand} was changed`,
      paragraphs: [
        reader === 'old'
          ? `the e-mail address of your account at ${brand} was changed on ${at}. From now on we write to the new address.`
          : `your account at ${brand} has this e-mail address since ${at}. From now on you sign in with it, and we write to it.`,
        'If it was not you, somebody else may use your account: please tell us at once.',
      ],
    }),
    'password-reset': ({ url, validMinutes }, { brand, duration }) => ({
      subject: `Reset your password at ${brand}`,
      paragraphs: [
        `somebody asked to reset the password of your account at ${brand}. If it was not you, ignore this message: your password stays as it is. If it was you, use this link within ${duration(validMinutes)}:`,
      ],
      link: url,
    }),
    'password-changed': ({ by }, { at, brand }) => ({
      subject: `Your password at ${brand} was changed`,
      paragraphs: [
        `the password of your account at ${brand} was changed on ${at}. You have to sign in again on all your devices.`,
        ...(by === 'reset' ? ['All API keys of your account were revoked with it.'] : []),
        'If it was not you, reset your password at once with the link of an e-mail, which also revokes all API keys of your account, and tell us.',
      ],
    }),
    'api-key-created': ({ keyId, prefix, isOfService }, { at, brand }) => ({
      subject: isOfService
        ? `A new API key for a service account at ${brand}`
        : `A new API key for your account at ${brand}`,
      paragraphs: [
        isOfService
          ? `with your account at ${brand}, an API key for a service account was made on ${at}. It begins with ${prefix}.`
          : `an API key for your account at ${brand} was made on ${at}. It begins with ${prefix}. A program that has it can use your account, as far as the rights of the key go.`,
        `A key that nobody needs can be revoked at any time: sign in, and send DELETE /v1/api-keys/${keyId}.`,
        isOfService
          ? 'If it was not you, revoke the key, reset your password at once, and tell us.'
          : 'If it was not you, reset your password at once with the link of an e-mail, which revokes all API keys of your account, and tell us.',
      ],
    }),
    'order-placed': order('was placed', 'We write to you again when it is on its way.'),
    'order-shipped': order('was shipped', 'It is on its way to you.'),
    'order-delivered': order('was delivered', 'We hope that you like it.'),
    'order-cancelled': order('was cancelled', 'It will not be delivered.'),
    'ticket-replied': ({ ticketId }, { at, brand }) => ({
      subject: `We have answered your ticket at ${brand}`,
      paragraphs: [
        `we answered your ticket at ${brand} on ${at}. Please sign in to read the answer and to reply.`,
        `Ticket: ${ticketId}`,
      ],
    }),
    'ticket-closed': ({ ticketId }, { at, brand }) => ({
      subject: `Your ticket at ${brand} was closed`,
      paragraphs: [
        `your ticket at ${brand} was closed on ${at}. If it is not solved, sign in and reply: then it is open again.`,
        `Ticket: ${ticketId}`,
      ],
    }),
  },
};
