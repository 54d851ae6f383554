export interface Recipient {
  name: string;
  email: string;
}

/** Finds the person behind an account as the account is now; events carry no names or addresses. */
export type FindRecipient = (userId: string) => Promise<Recipient | undefined>;
