const prefixOf = (account: string) => `frontdesk.draft.${account}.`;

/** Where this tab remembers a text that somebody has typed. @param name names the text */
export const draftKey = (account: string, name: string) => prefixOf(account) + name;

/** Forgets what this person has typed and not sent in this tab. */
export function forgetDrafts(account: string): void {
  const drafts = Object.keys(sessionStorage).filter((key) => key.startsWith(prefixOf(account)));
  for (const key of drafts) sessionStorage.removeItem(key);
}
