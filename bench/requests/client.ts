import { Agent, request } from 'node:http';

/** What a client sends again and again. */
export interface Call {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: string;
}

function send(
  agent: Agent,
  origin: string,
  { method, path, headers = {}, body = '' }: Call,
  status: number,
): Promise<void> {
  const length = body === '' ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const sent = request(`${origin}${path}`, { method, agent, headers: { ...headers, ...length } }, (response) => {
      response.resume();
      if (response.statusCode !== status)
        reject(new Error(`${method} ${path} was answered with ${response.statusCode}.`));
      response.on('end', resolve);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/**
 * Sends a number of requests in a closed loop: each of the clients waits for its answer, on a connection that stays open.
 * @param callOf the call of a client; no two clients change the same resource
 * @returns how many requests were answered in a second
 */
export async function sendAll(
  requests: number,
  clients: number,
  origin: string,
  callOf: (client: number) => Call,
  status: number,
): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const begin = performance.now();
  let left = requests;
  async function loop(client: number): Promise<void> {
    while (left > 0) {
      left--;
      await send(agent, origin, callOf(client), status);
    }
  }
  await Promise.all(Array.from({ length: clients }, (_, client) => loop(client)));
  agent.destroy();
  return (requests * 1000) / (performance.now() - begin);
}
