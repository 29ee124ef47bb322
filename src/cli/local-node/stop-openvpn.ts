// Stops the OpenVPN of a node from outside, for `coda stop-vpn` and `coda reset`.
import { rm } from 'node:fs/promises';
import { messageOf, VPNError } from '../../errors.ts';
import { vpnPidPath } from '../../state/layout.ts';
import { findVpnProcess } from '../../state/openvpn.ts';
import { terminateProcess, type ProcessIdentity } from '../../state/process.ts';

const GRACE_MS = 10_000;

/** Stops the OpenVPN that runs this node's profile; returns it, or undefined if none ran. Throws a VPNError if it cannot. */
export async function stopOpenvpn(stateDir: string, profile: string): Promise<ProcessIdentity | undefined> {
  const found = findVpnProcess(stateDir, profile);
  if (found === undefined) return undefined;
  const how = await terminateProcess(found, { graceMs: GRACE_MS }).catch((cause: unknown): never => {
    throw new VPNError(`OpenVPN (PID ${found.pid}) cannot be stopped: ${messageOf(cause)}`, {
      cause,
      remedy: 'Run the command as the user that started it (root, or with sudo).',
    });
  });
  if (how === 'survived') {
    throw new VPNError(`OpenVPN (PID ${found.pid}) cannot be killed`, {
      remedy: 'Look at it with ps; it may hang in the kernel.',
    });
  }
  await rm(vpnPidPath(stateDir), { force: true });
  return found;
}
