export interface Recipient {
  name: string;
  email: string;
}

/** Finds the current name and address of an account; events contain neither. */
export type FindRecipient = (userId: string) => Promise<Recipient | undefined>;
