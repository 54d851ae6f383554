import type { SmtpConfig } from './email-config';
import type { SmtpSocket } from './smtp-connection';

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
async function takesConnections({ host, port }: SmtpConfig, { connect }: Network): Promise<boolean> {
  const socket = connect({ hostname: host, port }, { secureTransport: 'off', allowHalfOpen: false });
  try {
    await socket.opened;
    return true;
  } catch {
    return false;
  } finally {
    socket.close().catch(() => {});
  }
}

/**
 * Finds out why no connection could be opened. The runtime has one error for an unknown host, a closed port and a failed
 * encryption, so this asks again, for each alone.
 * @returns the code of the failure
 */
export async function findConnectFailure(smtp: SmtpConfig, network: Network): Promise<string> {
  if (smtp.secure && (await takesConnections(smtp, network))) return 'SMTP_TLS_FAILED';
  return (await network.hasHost(smtp.host)) ? 'SMTP_CONNECT_FAILED' : 'SMTP_HOST_NOT_FOUND';
}
