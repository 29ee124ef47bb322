// Tells systemd that the node is up, and keeps telling it while the health server answers: systemd restarts a node that
// hangs. Node.js cannot write to systemd's socket itself; the program systemd-notify can.
import { execFile } from 'node:child_process';
import { get } from 'node:http';
import { promisify } from 'node:util';
import { messageOf } from '../../errors.ts';
import type { Node } from '../../node.ts';
import { onOneLine } from '../../printable.ts';
import { urlOf } from '../local-node/live.ts';
import { healthAddress, type HealthAddress } from '../../kernel/health-address.ts';

const HEALTH_TIMEOUT_MS = 5_000;
const NOTIFY_TIMEOUT_MS = 5_000;

export interface Systemd {
  /** Called once the node runs. */
  up(node: Node): void;
}

/** Undefined if systemd does not expect messages. Removes its variables from `env`, so that no child process gets them. */
export function systemdOf(env: NodeJS.ProcessEnv): Systemd | undefined {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: watchdogUsec } = env;
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete env[name];
  if (socket === undefined || socket === '') return undefined;
  const everyMs = Number(watchdogUsec ?? 0) / 1000 / 3;
  const notify = async (...words: string[]): Promise<void> => {
    await promisify(execFile)('systemd-notify', words.map(onOneLine), {
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
          else log.error('the health server does not answer: the systemd watchdog gets no sign of life');
        });
      }, everyMs);
      node.onClose('systemd', () => clearInterval(timer));
    },
  };
}

/** Not readiness: a node that waits for Redis is healthy, and a restart would not help. */
function isHealthy(address: HealthAddress | undefined): Promise<boolean> {
  // Without a health server, it has to be enough that this code runs.
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
