// A gateway between a node and the cloud: passes requests on, and for some paths answers itself, like the login page of
// a hotel or university network.
import { once } from 'node:events';
import {
  createServer,
  request as ask,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

export type Path = 'connect' | 'heartbeat' | 'webhook';

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const HOST = '127.0.0.1';

export const LOGIN_PAGE: Reply = {
  status: 200,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  body: '<!doctype html><html><head><title>Campus WiFi</title></head><body>Please log in.</body></html>',
};
export const TO_LOGIN_PAGE: Reply = {
  status: 302,
  headers: { location: 'http://login.campus.example/?next=coda' },
  body: '',
};

export class Gateway {
  readonly port: number;
  readonly #server: Server;
  readonly #cloudPort: number;
  readonly #replies = new Map<Path, Reply>();

  private constructor(server: Server, cloudPort: number) {
    this.#server = server;
    this.#cloudPort = cloudPort;
    this.port = (server.address() as AddressInfo).port;
    server.on('request', (incoming: IncomingMessage, response: ServerResponse) => {
      this.#serve(incoming, response);
    });
  }

  static async open(cloudUrl: string): Promise<Gateway> {
    const server = createServer();
    server.listen(0, HOST);
    await once(server, 'listening');
    return new Gateway(server, Number(new URL(cloudUrl).port));
  }

  /** From here on, this is the answer, and the cloud does not get the request. */
  answer(path: Path, reply: Reply): void {
    this.#replies.set(path, reply);
  }

  heal(): void {
    this.#replies.clear();
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #serve(incoming: IncomingMessage, response: ServerResponse): void {
    const { method, url = '/', headers } = incoming;
    const reply = [...this.#replies].find(([path]) => url.endsWith(`/${path}`))?.[1];
    if (reply !== undefined) {
      incoming.resume();
      response.writeHead(reply.status, reply.headers).end(reply.body);
      return;
    }
    const upstream = ask({ host: HOST, port: this.#cloudPort, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    // The cloud hung up: so does this.
    upstream.on('error', () => response.destroy());
    response.on('close', () => upstream.destroy());
    incoming.pipe(upstream);
  }
}
