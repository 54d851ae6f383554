import { Agent, request } from 'node:http';

/** What a client sends again and again. */
export interface Call {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: string;
}

/** The answers of one run. */
export interface Answered {
  requests: number;
  perSecond: number;
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
 * Sends requests for some time in a closed loop: each of the clients waits for its answer, on a connection that stays open.
 * @param callOf the call of a client; no two clients change the same resource
 */
export async function sendFor(
  ms: number,
  clients: number,
  origin: string,
  callOf: (client: number) => Call,
  status: number,
): Promise<Answered> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const begin = performance.now();
  let requests = 0;
  async function loop(client: number): Promise<void> {
    while (performance.now() - begin < ms) {
      await send(agent, origin, callOf(client), status);
      requests++;
    }
  }
  await Promise.all(Array.from({ length: clients }, (_, client) => loop(client)));
  agent.destroy();
  return { requests, perSecond: (requests * 1000) / (performance.now() - begin) };
}
