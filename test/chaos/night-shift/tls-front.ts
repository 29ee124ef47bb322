// Ends TLS in front of a plain port of this machine, with any certificate.
import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { createServer } from 'node:tls';

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface TlsFront {
  readonly port: number;
  close(): Promise<void>;
}

const HOST = '127.0.0.1';

export async function tlsFront(targetPort: number, certificate: Certificate): Promise<TlsFront> {
  const sockets = new Set<Socket>();
  const server = createServer({ ...certificate }, (secure) => {
    const plain = connect(targetPort, HOST);
    for (const [from, to] of [
      [secure, plain],
      [plain, secure],
    ] as const) {
      sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
      from.pipe(to);
    }
  });
  // Who does not trust the certificate, or speaks no TLS, hangs up in the middle of the handshake.
  server.on('tlsClientError', () => {});
  server.listen(0, HOST);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
