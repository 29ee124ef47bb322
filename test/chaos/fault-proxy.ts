// A TCP proxy that fails on demand, between a node and Redis or the cloud.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** `up`: from the node to the server; `down`: back to the node. */
export type Direction = 'up' | 'down';

/**
 * What happens to bytes on their way.
 * `hold`: they wait until the fault is over, as in a network that was down for a while.
 * `swallow`: they are lost, and the connection stays half-open for ever, as behind a router that forgot it.
 */
export type Fault =
  | { readonly kind: 'hold'; readonly directions: readonly Direction[] }
  /** With `only`: the connections that carry such bytes. */
  | { readonly kind: 'swallow'; readonly directions: readonly Direction[]; readonly only?: RegExp }
  | { readonly kind: 'delay'; readonly ms: number }
  /** One byte every `ms` back to the node. */
  | { readonly kind: 'drip'; readonly ms: number };

const HOST = '127.0.0.1';

export class FaultProxy {
  readonly port: number;
  readonly #server: Server;
  #target: { readonly host: string; readonly port: number };
  readonly #links = new Set<Link>();
  #fault: Fault | undefined;
  /** Called when the current fault is over. */
  readonly #waiting: (() => void)[] = [];

  private constructor(server: Server, target: { host: string; port: number }) {
    this.#server = server;
    this.#target = target;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => this.#accept(socket));
  }

  /** A proxy in front of a port of this machine, without faults. */
  static async open(targetPort: number): Promise<FaultProxy> {
    // Whether the other end has closed is the link's to tell.
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, HOST);
    await once(server, 'listening');
    return new FaultProxy(server, { host: HOST, port: targetPort });
  }

  get fault(): Fault | undefined {
    return this.#fault;
  }

  /** Resolves when the current fault is over. */
  faultOver(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  set(fault: Fault): void {
    this.#fault = fault;
  }

  /** New connections go to another port of this machine; open ones stay, as after a change in DNS. */
  leadTo(targetPort: number): void {
    this.#target = { host: HOST, port: targetPort };
  }

  /** Ends every connection at once, on both sides. */
  cut(): void {
    for (const link of this.#links) link.destroy();
  }

  /** Ends every connection and takes no new ones. */
  async refuse(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }

  /** Everything works again, except for connections that lost bytes: they stay dead. */
  async heal(): Promise<void> {
    this.#fault = undefined;
    for (const resume of this.#waiting.splice(0)) resume();
    if (this.#server.listening) return;
    this.#server.listen(this.port, HOST);
    await once(this.#server, 'listening');
  }

  async close(): Promise<void> {
    await this.heal();
    await this.refuse();
  }

  #accept(near: Socket): void {
    const far = connect(this.#target);
    const link = new Link(near, far, this);
    this.#links.add(link);
    link.done.then(
      () => this.#links.delete(link),
      () => {},
    );
  }
}

/** One connection of the node and the one to the server that belongs to it. */
class Link {
  readonly done: Promise<unknown>;
  readonly #sockets: readonly Socket[];
  /** Bytes were lost: nothing passes any more, and neither side learns that the other has closed. */
  #isDead = false;

  constructor(near: Socket, far: Socket, proxy: FaultProxy) {
    this.#sockets = [near, far];
    for (const socket of this.#sockets) socket.on('error', () => {});
    this.done = Promise.all([this.#carry('up', near, far, proxy), this.#carry('down', far, near, proxy)]);
  }

  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async #carry(direction: Direction, from: Socket, to: Socket, proxy: FaultProxy): Promise<void> {
    try {
      // An end does not close the other direction yet.
      const chunks: AsyncIterable<Buffer> = from.iterator({ destroyOnReturn: false });
      for await (const chunk of chunks) await this.#pass(chunk, direction, to, proxy);
    } catch {
      // The connection broke; the other side is closed below.
    }
    if (!this.#isDead && proxy.fault?.kind === 'hold') await proxy.faultOver();
    if (this.#isDead) from.destroy();
    else this.destroy();
  }

  async #pass(chunk: Buffer, direction: Direction, to: Socket, proxy: FaultProxy): Promise<void> {
    const { fault } = proxy;
    if (fault?.kind === 'swallow' && fault.directions.includes(direction)) {
      if (fault.only === undefined || fault.only.test(chunk.toString('latin1'))) this.#isDead = true;
    }
    if (this.#isDead) return;
    if (fault?.kind === 'hold' && fault.directions.includes(direction)) await proxy.faultOver();
    if (fault?.kind === 'delay') await sleep(fault.ms);
    if (fault?.kind === 'drip' && direction === 'down') {
      for (const byte of chunk) {
        if (to.destroyed || proxy.fault?.kind !== 'drip') break;
        to.write(Buffer.of(byte));
        await sleep(fault.ms);
      }
      // The fault ended in the middle: the rest would come out of order.
      if (proxy.fault?.kind !== 'drip') this.destroy();
      return;
    }
    if (!to.destroyed && !to.write(chunk)) await Promise.race([once(to, 'drain'), once(to, 'close')]);
  }
}
