// The OpenVPN that a node has started for itself: found by its PID file, believed only if it runs our profile.
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { commandLineOf, isSameProcess, startTimeOf } from '../../state/process.ts';
import { readOwnFile } from './files.ts';

export interface VpnProcess {
  readonly pid: number;
  readonly startTime: string;
}

/** PROTOCOL §2. */
export function vpnPidPath(stateDir: string): string {
  return join(stateDir, 'coda-node-openvpn.pid');
}

/** Undefined where none runs, or where the PID file names another program. */
export function findVpnProcess(stateDir: string): VpnProcess | undefined {
  // OpenVPN started by root writes the file as root: any owner will do, since the process itself is looked at.
  const [first = '', noted = ''] = (readOwnFile(vpnPidPath(stateDir)) ?? '')
    .split('\n')
    .map((line) => line.trim());
  const pid = /^\d{1,10}$/.test(first) ? Number(first) : NaN;
  if (!isSameProcess(pid, noted)) return undefined;
  const words = commandLineOf(pid);
  // Its own words name a file of this state directory: the profile, the log or the PID file.
  const isOurs =
    /(^|\/)openvpn$/.test(words[0] ?? '') &&
    words.some((word) => word.startsWith(join(stateDir, 'coda-node')));
  return isOurs ? { pid, startTime: noted === '' ? (startTimeOf(pid) ?? '') : noted } : undefined;
}

/** The tunnel's interface: the one that was hinted at, if it is there, else the first that looks like a tunnel. */
export function vpnInterface(hint: string | null): string | null {
  const names = Object.keys(networkInterfaces());
  if (hint !== null && names.includes(hint)) return hint;
  return names.find((name) => /^(tun|tap|utun)\d+$/.test(name)) ?? null;
}
