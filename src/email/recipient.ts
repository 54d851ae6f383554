export interface Recipient {
  /** Absent for a name that an e-mail must not show; `toPrintableName` decides. */
  name?: string;
  email: string;
}

/** Finds the current name and address of an account; events contain neither. */
export type FindRecipient = (userId: string) => Promise<Recipient | undefined>;
