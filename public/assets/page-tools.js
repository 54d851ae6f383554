// What the pages to which e-mails lead have in common.

/**
 * @template {HTMLElement} Kind
 * @param {string} id
 * @param {new () => Kind} kind
 */
export function find(id, kind) {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`The page has no element ${id}.`);
}

/** Takes the token out of the address, so that neither the history nor a screenshot keeps it; empty without one. */
export function takeToken() {
  const token = new URLSearchParams(location.hash.slice(1)).get('token') ?? '';
  history.replaceState(null, '', location.pathname);
  return token;
}

/** Makes the key under which a command is sent again without a second effect, when its answer was lost. */
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16)).join('-');
}

/**
 * @param {string} path
 * @param {object} body
 * @param {string} key
 * @returns {Promise<{ status: number, code?: string, detail?: string, errors?: { pointer: string, detail: string }[] }>}
 */
export async function post(path, body, key) {
  const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': key };
  try {
    const response = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) });
    return response.ok ? { status: response.status } : await response.json();
  } catch {
    // No connection, or an answer that is not the API's.
    return { status: 503 };
  }
}
