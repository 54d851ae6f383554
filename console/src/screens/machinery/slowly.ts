/** How often figures are read that cost the database more than a document. */
export const slowlyMs = 10_000;
