// One check of the tunnel: is its interface up, does traffic get through, and what state of the VPN follows from both?
import { networkInterfaces } from 'node:os';
import type { CodaNode } from '../../src/index.ts';
import { extraHeaders, findTunnel, type VpnState } from '../../src/kit.ts';
import { probeAll } from './probes.ts';

export interface Finding {
  readonly state: Exclude<VpnState, 'booting'>;
  /** What is wrong, for the operator; undefined if everything works. */
  readonly problem: string | undefined;
  readonly interface: string | undefined;
  /** That of this machine in the tunnel. With another one, every connection through the tunnel is dead. */
  readonly address: string | undefined;
}

export interface CheckTerms {
  /** The interface's name, if it is known. */
  readonly interfaceName: string | undefined;
  readonly targets: readonly string[];
  /** Only its origin gets the operator's headers. */
  readonly webappUrl: string;
  readonly allowDegraded: boolean;
  readonly deadlineMs: number;
}

/** Never rejects. */
export async function checkTunnel(node: CodaNode, terms: CheckTerms, signal: AbortSignal): Promise<Finding> {
  const { targets, deadlineMs } = terms;
  const headers = extraHeaders(node.settings.nodeConnectHeaders);
  const [tunnel, probes] = await Promise.all([
    findTunnel(terms.interfaceName),
    probeAll({
      http: node.http,
      headers,
      cloud: new URL(terms.webappUrl).origin,
      targets,
      deadlineMs,
      signal,
    }),
  ]);
  const problems = [
    ...(tunnel.problem === undefined ? [] : [tunnel.problem]),
    ...probes.flatMap(({ problem }) => problem ?? []),
  ];
  const carries = probes.some((probe) => probe.carries);
  const usable = carries && (tunnel.problem === undefined || terms.allowDegraded);
  return {
    state: problems.length === 0 ? 'ready' : usable ? 'degraded' : 'vpn_unavailable',
    problem: problems.length === 0 ? undefined : problems.join('; '),
    interface: tunnel.found?.name,
    address: tunnel.found && addressOf(tunnel.found.name),
  };
}

function addressOf(name: string): string | undefined {
  // Each new interface has another local one, which nothing uses.
  return networkInterfaces()[name]?.find(({ address }) => !address.startsWith('fe80:'))?.address;
}
