import { connect as connectTcp, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { SmtpSocket } from '../../src/email/smtp-connection';
import type { Connect } from '../../src/email/smtp-email-sender';

function toSocket(socket: Socket): SmtpSocket {
  const { readable, writable } = Duplex.toWeb(socket);
  return {
    // The types of Node's streams differ from those of the Worker in details that nothing here uses.
    readable: readable as unknown as SmtpSocket['readable'],
    writable: writable as unknown as SmtpSocket['writable'],
    startTls: () => toSocket(connectTls({ socket, rejectUnauthorized: false })),
    close: async () => void socket.destroy(),
  };
}

/** Opens connections on Node.js, as `connect` of `cloudflare:sockets` does in the Worker. */
export const nodeConnect: Connect = ({ hostname, port }) => toSocket(connectTcp({ host: hostname, port }));
