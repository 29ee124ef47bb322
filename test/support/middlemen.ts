// Between a node and the cloud at a university: a server that ends TLS, and an HTTP proxy.
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { createServer as createTlsServer } from 'node:tls';
import { SERVER } from './certificates.ts';

export interface Middleman {
  readonly port: number;
  close(): Promise<void>;
}

export interface Proxy extends Middleman {
  /** The targets of the CONNECT requests, such as `127.0.0.1:443`, each as often as it was asked for. */
  readonly tunnels: readonly string[];
}

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Speaks TLS on its own port and passes the plain bytes on to `port`. */
export async function tlsInFrontOf(port: number, certificate: Certificate = SERVER): Promise<Middleman> {
  const sockets = new Set<Socket>();
  const server = createTlsServer({ ...certificate }, (secure) =>
    join(secure, connect(port, '127.0.0.1'), sockets),
  );
  return opened(server, sockets);
}

export interface ProxyTemper {
  /** `user:password`: a client that does not send it gets a 407. */
  readonly credentials?: string;
  /** The answer to every CONNECT, such as `403 Forbidden`. */
  readonly refuses?: string;
}

/** An HTTP proxy that only knows CONNECT. */
export async function connectProxy({ credentials, refuses }: ProxyTemper = {}): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const tunnels: string[] = [];
  const server = createServer((client) => {
    client.on('error', () => {});
    client.once('data', (head) => {
      const text = head.toString('latin1');
      const [, host = '', port = ''] = /^CONNECT ([^\s:]+):(\d+) HTTP/.exec(text) ?? [];
      const [, sent = ''] = /^proxy-authorization: Basic (\S+)/im.exec(text) ?? [];
      if (credentials !== undefined && Buffer.from(sent, 'base64').toString() !== credentials)
        return void client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      if (refuses !== undefined) return void client.end(`HTTP/1.1 ${refuses}\r\n\r\n`);
      tunnels.push(`${host}:${port}`);
      if (host === '') return void client.end('HTTP/1.1 405 Method Not Allowed\r\n\r\n');
      const target = connect(Number(port), host, () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        join(client, target, sockets);
      });
      target.on('error', () => client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'));
    });
  });
  return { ...(await opened(server, sockets)), tunnels };
}

function join(client: Socket, target: Socket, sockets: Set<Socket>): void {
  for (const [from, to] of [
    [client, target],
    [target, client],
  ] as const) {
    sockets.add(from);
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
    from.pipe(to);
  }
}

async function opened(server: Server, sockets: ReadonlySet<Socket>): Promise<Middleman> {
  // A client that does not trust the certificate, or speaks no TLS, hangs up in the middle of the handshake.
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
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
