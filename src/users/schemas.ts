import * as z from 'zod';
import { roles } from '../access/caller';
import { countedPageFields } from '../cqrs/reading/pages';
import { limits } from '../platform/limits';
import { count } from '../platform/numbers';
import { anyPassword, newPassword } from '../platform/password-schemas';
import { isTimeZone } from '../platform/time-zones';
import { uuid } from '../platform/uuid';

export const userId = uuid.meta({
  description: 'The user’s id, a UUIDv7.',
  examples: ['0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11'],
});

// A line break or another control character in a name could change the headers of an e-mail.
// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern refuses control characters
const singleLine = /^[^\u0000-\u001f\u007f\u2028\u2029]*$/u;

const name = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .regex(singleLine, 'must be a single line')
  .meta({ examples: ['Ada Byron'] });
const email = z
  .string()
  .trim()
  .toLowerCase()
  .max(254)
  .pipe(z.email())
  .meta({
    format: 'email',
    description: 'Case does not matter; the address is stored in lower case.',
    examples: ['ada@example.com'],
  });

function isLocale(value: string): boolean {
  try {
    return Intl.getCanonicalLocales(value).length === 1;
  } catch {
    return false;
  }
}

const locale = z
  .string()
  .max(35)
  .refine(isLocale, { error: 'must be a BCP 47 language tag' })
  .meta({ examples: ['en-GB'] });
const timezone = z
  .string()
  .max(64)
  .refine(isTimeZone, { error: 'must be an IANA time zone' })
  .meta({ examples: ['Europe/Berlin'] });

export const registerUser = z
  .strictObject({
    name,
    email,
    password: newPassword,
    locale: locale.optional().meta({ description: 'The language of e-mails from the first one; `en` without it.' }),
    timezone: timezone.optional().meta({ description: 'The time zone of times in e-mails; `UTC` without it.' }),
  })
  .meta({
    ref: 'RegisterUser',
    examples: [{ name: 'Ada Byron', email: 'ada@example.com', password: 'correct horse battery' }],
  });

export const createServiceAccount = z.strictObject({ name, role: z.enum(roles) }).meta({
  ref: 'CreateServiceAccount',
  examples: [{ name: 'Warehouse', role: 'agent' }],
});

export const updateUser = z
  .strictObject({
    name: name.optional(),
    email: email.optional().meta({
      description: 'The account changes to the address when the link is used that is mailed to it.',
    }),
    password: newPassword.optional(),
    currentPassword: anyPassword
      .optional()
      .meta({ description: 'Needed to change the e-mail address or the password.' }),
  })
  .refine((body) => body.name ?? body.email ?? body.password, { error: 'nothing to change was sent' })
  .meta({ ref: 'UpdateUser', examples: [{ name: 'Ada Lovelace' }] });

/** The token of a link that confirms an address. */
export const confirmEmail = z
  .strictObject({ token: z.string().min(1).max(512) })
  .meta({ ref: 'ConfirmEmail', examples: [{ token: 'the token in the link of the e-mail' }] });

export const changeRole = z
  .strictObject({ role: z.enum(roles) })
  .meta({ ref: 'ChangeRole', examples: [{ role: 'agent' }] });

export const updateSettings = z
  .strictObject({
    locale: locale.optional(),
    timezone: timezone.optional(),
    emailNotifications: z.boolean().optional(),
  })
  .refine((body) => Object.keys(body).length > 0, { error: 'nothing to change was sent' })
  .meta({ ref: 'UpdateSettings', examples: [{ locale: 'en-GB', timezone: 'Europe/London' }] });

/** The token of a link that an e-mail ended with. */
export const unsubscribe = z.strictObject({ token: z.string().max(200) });

const shownEmail = z.string().meta({ format: 'email', examples: ['ada@example.com'] });
const shownName = z.string().meta({ examples: ['Ada Byron'] });

export const userDetail = z
  .object({
    id: userId,
    name: shownName,
    email: shownEmail.meta({ description: 'The address for signing in.' }),
    emailConfirmed: z.boolean().meta({ description: 'Whether a link that was mailed to the address has been used.' }),
    pendingEmail: shownEmail.nullable().meta({
      description: 'The address to which the account changes when it is confirmed; null without such a change.',
    }),
    role: z.enum(roles),
    isActive: z.boolean(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
    lastLoginAt: z.iso.datetime().nullable(),
    itemCount: count.meta({ description: 'Items that the account sells.' }),
    orderCount: count.meta({ description: 'Orders that the account placed.' }),
    openTicketCount: count.meta({ description: 'Tickets of the account with the status `open`.' }),
  })
  .meta({ ref: 'UserDetail' });
export type UserDetail = z.infer<typeof userDetail>;

export const userSummary = z
  .object({ id: userId, name: shownName })
  .meta({ ref: 'UserSummary', title: 'Row of the list of users' });
export type UserSummary = z.infer<typeof userSummary>;

/** A row of a search. */
export const foundUser = userSummary
  .extend({
    email: z.string().meta({ format: 'email', examples: ['ada@example.com'] }),
    role: z.enum(roles),
    isActive: z.boolean(),
  })
  .meta({ ref: 'FoundUser', title: 'Row of users that a search has found' });

const userRow = z.union([foundUser, userSummary]).meta({
  ref: 'UserRow',
  description: 'A search finds FoundUsers; the list has UserSummaries.',
});

export const userPage = z.object({ data: z.array(userRow), ...countedPageFields }).meta({ ref: 'UserPage' });

const searchText = z.string().trim().min(2).max(254);
export const searchUsers = z.strictObject({ search: searchText });
/** Some accounts by their ids, with commas between them. */
const userIds = z
  .string()
  .max(limits.longestPage * 37)
  .transform((text) => text.split(','))
  .pipe(z.array(uuid).max(limits.longestPage))
  .meta({
    type: 'string',
    description:
      'Only these accounts, with commas between up to 100 ids. Those that do not exist any more are left out.',
    examples: ['0198c7a2-5b0e-7c3a-9d43-6a1f5f0f2b11,0198c7a2-77d1-7b0e-8f3a-2f6f1c9e4d05'],
  });

/** What a list of accounts takes beside the parameters of every list. */
export const userListFilter = {
  ids: userIds.optional(),
  search: searchText.optional().meta({
    description:
      'Finds at most 20 accounts whose e-mail address, name or last name begins with this text; case and accents do not matter. The search is one page, and in the audit trail without its text.',
    examples: ['ada'],
  }),
};

export const userSettings = z
  .object({
    locale: z.string().meta({ examples: ['en-GB'] }),
    timezone: z.string().meta({ examples: ['Europe/London'] }),
    emailNotifications: z.boolean(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ ref: 'UserSettings' });
export type UserSettings = z.infer<typeof userSettings>;
