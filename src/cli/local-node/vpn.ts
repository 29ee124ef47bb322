// The VPN of a node, seen from outside: its OpenVPN process, and the interface of its tunnel.
import { rm } from 'node:fs/promises';
import { messageOf, VPNError } from '../../errors.ts';
import { chooseTunnel, listTunnels, type TunnelInterface } from '../../net/tunnels.ts';
import { vpnPidPath } from '../../state/layout.ts';
import { findVpnProcess } from '../../state/openvpn.ts';
import { terminateProcess, type ProcessIdentity } from '../../state/process.ts';

const GRACE_MS = 10_000;

/** The interface with the name that the node was given, else any tunnel; undefined if there is none. */
export async function findTunnel(hint: string | null): Promise<TunnelInterface | undefined> {
  try {
    return chooseTunnel(await listTunnels(), hint ?? undefined);
  } catch {
    // The system's command for it is missing.
    return undefined;
  }
}

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
