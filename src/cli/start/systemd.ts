// Tells systemd that the node is up, and goes on telling for as long as its health server answers: a node that hangs
// falls silent, and is started anew. Node cannot write to systemd's socket itself; the program systemd-notify can.
import { execFile } from 'node:child_process';
import { get } from 'node:http';
import { promisify } from 'node:util';
import { messageOf } from '../../errors.ts';
import type { Node } from '../../node.ts';
import { urlOf } from '../local-node/live.ts';
import { healthAddress, type Address } from '../local-node/presence.ts';

const HEALTH_TIMEOUT_MS = 5_000;
const NOTIFY_TIMEOUT_MS = 5_000;

export interface Systemd {
  /** Once the node runs. */
  up(node: Node): void;
}

/** Undefined where systemd does not wait for word. Takes its variables out of `env`: they concern no child of ours. */
export function systemdOf(env: NodeJS.ProcessEnv): Systemd | undefined {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: watchdogUsec } = env;
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete env[name];
  if (socket === undefined || socket === '') return undefined;
  const everyMs = Number(watchdogUsec ?? 0) / 1000 / 3;
  const notify = async (...words: string[]): Promise<void> => {
    await promisify(execFile)('systemd-notify', words, {
      env: { PATH: env['PATH'], NOTIFY_SOCKET: socket },
      timeout: NOTIFY_TIMEOUT_MS,
    });
  };
  return {
    up(node) {
      const log = node.log.child('systemd');
      const send = (...words: string[]): void =>
        void notify(...words).catch((thrown: unknown) =>
          log.warn(`systemd-notify failed: ${messageOf(thrown)}`),
        );
      send('READY=1', `STATUS=serving QPU ${node.session.qpuId}`);
      node.hooks.drain.tap('systemd', () => send('STOPPING=1', 'STATUS=draining'));
      if (!(everyMs > 0)) return;
      const address = node.services.find(healthAddress)?.();
      const timer = setInterval(() => {
        void isHealthy(address).then((healthy) => {
          if (healthy) send('WATCHDOG=1');
          else log.error('the health server does not answer: systemd is not told that all is well');
        });
      }, everyMs);
      node.onClose('systemd', () => clearInterval(timer));
    },
  };
}

/** Not readiness: a node that waits for Redis is well, and a restart would not help. */
function isHealthy(address: Address | undefined): Promise<boolean> {
  // Without a health server, that this runs at all is the sign of life.
  if (address === undefined) return Promise.resolve(true);
  return new Promise((resolve) => {
    const request = get(
      `${urlOf(address)}/health`,
      { timeout: HEALTH_TIMEOUT_MS, agent: false },
      (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      },
    );
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
    request.on('close', () => resolve(false));
  });
}
