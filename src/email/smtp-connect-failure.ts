import type { SmtpConfig } from './email-config';
import { SmtpConnection, type SmtpSocket } from './smtp-connection';

/** What the sender needs of the network. */
export interface Network {
  /** Opens a connection, like `connect` of `cloudflare:sockets`. */
  connect(
    address: { hostname: string; port: number },
    options: { secureTransport: 'on' | 'starttls' | 'off'; allowHalfOpen: boolean },
  ): SmtpSocket;
  /** Whether DNS knows the name of a host; true as well where DNS gives no clear answer. */
  hasHost(hostname: string): Promise<boolean>;
}

/** Whether the server takes a connection without encryption, which then says nothing. */
async function takesConnections({ host, port }: SmtpConfig, { connect }: Network, signal: AbortSignal) {
  const address = { hostname: host, port };
  const connection = new SmtpConnection(connect(address, { secureTransport: 'off', allowHalfOpen: false }));
  const destroy = () => connection.destroy();
  signal.addEventListener('abort', destroy);
  try {
    await connection.untilOpen();
    return true;
  } catch {
    return false;
  } finally {
    signal.removeEventListener('abort', destroy);
    destroy();
  }
}

/**
 * Finds out why no connection could be opened. The runtime has one error for an unknown host, a closed port and a failed
 * encryption, so this asks again, for each alone.
 * @param signal aborted when the attempt is over: then nothing is asked any more, and no connection stays open
 * @returns the code of the failure
 */
export async function findConnectFailure(smtp: SmtpConfig, network: Network, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  if (smtp.secure && (await takesConnections(smtp, network, signal))) return 'SMTP_TLS_FAILED';
  signal.throwIfAborted();
  return (await network.hasHost(smtp.host)) ? 'SMTP_CONNECT_FAILED' : 'SMTP_HOST_NOT_FOUND';
}
