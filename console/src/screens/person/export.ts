import { api } from '../../api';

/** How long the browser may take to begin with the file. */
const beginMs = 10_000;

/** Saves the export of an account as a file. A link cannot do it, because a request of the browser has no access token. */
export async function saveAccount(id: string): Promise<void> {
  const response = await api().users[':id'].export.$get({ param: { id } });
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement('a');
  link.href = url;
  link.download = `account-${id}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), beginMs);
}
