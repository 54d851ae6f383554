/** What an operation costs on D1. */
export interface Cost {
  ms: number;
  rowsRead: number;
  rowsWritten: number;
}

/** How many rows a size has; one customer has a fifth of the orders. */
export interface Size {
  events: number;
  orders: number;
  accounts: number;
}

/** What a measurement has found: the costs of each operation are in the order of the sizes. */
export interface Measured {
  sizes: readonly Size[];
  costs: Readonly<Record<string, readonly Cost[]>>;
  /** The size of the database in the end. */
  bytes: number;
}
