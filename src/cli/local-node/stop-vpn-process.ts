// Ends the OpenVPN of this state directory, after another look at what the process id names by now.
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, VPNError } from '../../errors.ts';
import { isSameProcess } from '../../state/process.ts';
import { findVpnProcess, vpnPidPath, type VpnProcess } from './vpn-process.ts';

const TERM_WAIT_MS = 10_000;
const KILL_WAIT_MS = 5_000;
const LOOK_EVERY_MS = 50;

/** Returns the process that it ended; undefined where none ran. Throws a VPNError if it cannot be ended. */
export async function stopVpnProcess(stateDir: string): Promise<VpnProcess | undefined> {
  const found = findVpnProcess(stateDir);
  if (found === undefined) return undefined;
  for (const [signal, waitMs] of [
    ['SIGTERM', TERM_WAIT_MS],
    ['SIGKILL', KILL_WAIT_MS],
  ] as const) {
    send(stateDir, found, signal);
    if (await hasEnded(found, waitMs)) {
      await rm(vpnPidPath(stateDir), { force: true });
      return found;
    }
  }
  throw new VPNError(`OpenVPN (PID ${found.pid}) does not end`, { remedy: 'Look at it with ps.' });
}

function send(stateDir: string, { pid, startTime }: VpnProcess, signal: NodeJS.Signals): void {
  const now = findVpnProcess(stateDir);
  if (now?.pid !== pid || now.startTime !== startTime) return;
  try {
    process.kill(pid, signal);
  } catch (cause) {
    if (!isSameProcess(pid, startTime)) return;
    throw new VPNError(`OpenVPN (PID ${pid}) cannot be stopped: ${messageOf(cause)}`, {
      cause,
      remedy: 'Run the command as the user that started it (root, or with sudo).',
    });
  }
}

async function hasEnded({ pid, startTime }: VpnProcess, waitMs: number): Promise<boolean> {
  for (const giveUpAt = performance.now() + waitMs; performance.now() < giveUpAt;) {
    if (!isSameProcess(pid, startTime)) return true;
    await sleep(LOOK_EVERY_MS);
  }
  return !isSameProcess(pid, startTime);
}
