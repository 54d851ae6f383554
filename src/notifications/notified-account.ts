/** An account as far as notifications need it. */
export interface NotifiedAccount {
  /** Absent for a name that an e-mail must not show; `toPrintableName` decides. */
  name?: string;
  email: string;
  /** Whether the owner of the address has confirmed it. */
  isConfirmed: boolean;
  /** The setting. */
  emailNotifications: boolean;
  /** A BCP 47 tag. */
  locale: string;
  /** A name of the IANA time zone database. */
  timezone: string;
}

/**
 * Finds the current state of an account, because events contain no personal data; undefined for an account that is deleted
 * or deactivated.
 */
export type FindAccount = (userId: string) => Promise<NotifiedAccount | undefined>;
