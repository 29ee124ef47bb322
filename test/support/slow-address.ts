// A slow address: no first packet is answered until the address is released.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { waitUntil } from '../../src/testing/index.ts';

/** Why this machine cannot have one; false if it can. */
export const noSlowAddress =
  process.platform === 'linux' && existsSync('/proc/net/tcp') ? false : 'needs /proc/net/tcp of Linux';

export interface SlowAddress {
  readonly port: number;
  /** Resolves once somebody new has sent the first packet of a connection, and waits. */
  isWaitedFor(): Promise<unknown>;
  /** From here on the address answers, when TCP repeats the first packet: after a second. */
  release(): void;
  close(): void;
}

/** The program of the process behind the address. */
const SERVER = `
  const net = require('node:net');
  const [host, port, to] = process.argv.slice(1);
  const server = net.createServer((client) => {
    const target = net.connect(Number(to), '127.0.0.1');
    for (const [a, b] of [[client, target], [target, client]]) a.on('error', () => b.destroy()).pipe(b);
  });
  server.listen({ host, port: Number(port), backlog: 1 }, () => console.log(server.address().port));
`;

/** A port of `host` (on loopback) of a stopped process with a full queue; once released, it leads to `to`. */
export async function slowAddress(host: string, to: number, port = 0): Promise<SlowAddress> {
  const child = spawn(process.execPath, ['-e', SERVER, host, String(port), String(to)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  const own = Number(said.toString());
  child.kill('SIGSTOP');
  const fill: Socket[] = [];
  // How many a queue of length 1 takes is the kernel's business: it is full once one waits.
  while (waiting(host, own) === 0) {
    fill.push(connect(own, host).on('error', () => {}));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const before = waiting(host, own);
  return {
    port: own,
    isWaitedFor: () => waitUntil('a first packet', () => waiting(host, own) > before),
    release: () => void child.kill('SIGCONT'),
    close() {
      for (const socket of fill) socket.destroy();
      child.kill('SIGKILL');
    },
  };
}

/** How many connections to the address have sent their first packet, without an answer (state 02). */
function waiting(host: string, port: number): number {
  const hex = host
    .split('.')
    .toReversed()
    .map((part) => Number(part).toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase();
  const target = `${hex}:${port.toString(16).padStart(4, '0').toUpperCase()} 02`;
  return readFileSync('/proc/net/tcp', 'latin1').split(target).length - 1;
}
