import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { Network } from '../../src/email/smtp-connect-failure';
import type { SmtpSocket } from '../../src/email/smtp-connection';

/** @param openEvent the event after which the connection is open, and encrypted if it has to be */
function toSocket(socket: Socket, openEvent: 'connect' | 'secureConnect'): SmtpSocket {
  const { readable, writable } = Duplex.toWeb(socket);
  const opened = once(socket, openEvent);
  // As in the Worker, nobody has to wait for it.
  opened.catch(() => {});
  return {
    opened,
    // The types of Node's streams differ from those of the Worker in details that nothing here uses.
    readable: readable as unknown as SmtpSocket['readable'],
    writable: writable as unknown as SmtpSocket['writable'],
    startTls: () => toSocket(connectTls({ socket, rejectUnauthorized: false }), 'secureConnect'),
    close: async () => void socket.destroy(),
  };
}

/** The network on Node.js, which opens connections as `connect` of `cloudflare:sockets` does in the Worker. */
export const nodeNetwork: Network = {
  connect: ({ hostname: host, port }, { secureTransport }) =>
    secureTransport === 'on'
      ? toSocket(connectTls({ host, port, rejectUnauthorized: false }), 'secureConnect')
      : toSocket(connectTcp({ host, port }), 'connect'),
  hasHost: async () => true,
};
