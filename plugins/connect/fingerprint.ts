// The identity of this machine for the cloud: created once, then kept in the state directory (PROTOCOL §1).
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';

const MAX_48_BITS = 2 ** 48 - 1;

/** `<hostname>-<machine number>`; if possible the same as the Python original computes on this machine. */
export function newFingerprint(): string {
  return `${hostname()}-${machineNumber()}`;
}

/** A MAC address or part of the machine id, as a decimal number below 2^48; random on a machine that has neither. */
function machineNumber(): number {
  return macNumber() ?? machineIdNumber() ?? randomInt(MAX_48_BITS);
}

function macNumber(): number | undefined {
  const numbers = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, mac }) => !internal && /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(mac))
    .map(({ mac }) => Number.parseInt(mac.replaceAll(':', ''), 16))
    .filter((number) => number > 0);
  // Prefer addresses of hardware, which stay the same; bridges and containers get new ones at each start.
  return numbers.find((number) => !isLocallyAdministered(number)) ?? numbers[0];
}

function isLocallyAdministered(mac: number): boolean {
  return (Math.floor(mac / 2 ** 40) & 2) !== 0;
}

function machineIdNumber(): number | undefined {
  try {
    const id = readFileSync('/etc/machine-id', 'utf8').trim();
    return /^[0-9a-f]{32}$/.test(id) ? Number.parseInt(id.slice(0, 12), 16) : undefined;
  } catch {
    return undefined;
  }
}
