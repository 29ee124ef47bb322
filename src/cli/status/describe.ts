// Everything that `coda status` knows: the process and, if the node answers, what `/ready` says.
import { existsSync } from 'node:fs';
import type { Settings } from '../../config/settings.ts';
import { findTunnel } from '../../net/tunnels.ts';
import { resultFiles } from '../../outbox/refused.ts';
import { descriptorsOf, type Descriptors } from '../../state/descriptors.ts';
import { readLastEnd, type LastEnd } from '../../state/last-end.ts';
import { logPath, nodeFolder, refusedDirectory } from '../../state/layout.ts';
import { findVpnProcess } from '../../state/openvpn.ts';
import { userNameOf } from '../../state/process.ts';
import { devNodeHint } from '../dev/rendezvous.ts';
import { findNode, type FoundNode } from '../local-node/find.ts';
import { askReady, urlOf, type Live } from '../local-node/live.ts';

export interface NodeStatus {
  readonly running: boolean;
  readonly pid: number | null;
  /** Where the process runs, if its id means nothing here: another container or machine. */
  readonly elsewhere: string | null;
  /** The user that runs it. */
  readonly user: string | null;
  readonly daemon: boolean | null;
  /** Whether it is the Python original. */
  readonly original: boolean;
  readonly version: string | null;
  readonly started_at: string | null;
  readonly uptime_sec: number | null;
  /** How often it was started before, and how often of that in the 24 hours before its start. */
  readonly restarts: number | null;
  readonly recent_restarts: number | null;
  readonly url: string | null;
  readonly state_dir: string;
  readonly log_file: string | null;
  readonly openvpn_pid: number | null;
  readonly vpn_interface: string | null;
  /** Files that it has open, and that it may; null if the system does not say. */
  readonly descriptors: Descriptors | null;
  /** Results that the cloud refused and that wait for the operator. */
  readonly refused_results: number | null;
  /** The body of `/ready`; null if the node does not answer. */
  readonly live: Live | null;
  readonly note: string | null;
  /** How the node last ended; if it runs, how it ended before that. */
  readonly last_end: LastEnd | null;
}

export async function describeNode(settings: Settings): Promise<NodeStatus> {
  const { stateDir, host, port } = settings;
  const { node, stale, hidden } = await findNode(stateDir);
  const presence = node?.presence;
  // A node whose announcement is not there, or not for us, listens where the same settings say.
  const isAsked = node?.isOriginal === true || hidden !== undefined;
  const address = presence?.address ?? (isAsked ? { host, port } : undefined);
  const asked = node ?? (hidden === undefined ? undefined : { user: hidden.id });
  const live = asked === undefined || address === undefined ? undefined : await askReady(asked, address);
  const openvpn = findVpnProcess(stateDir, settings.nodeVpnProfilePath);
  const tunnel = openvpn === undefined ? undefined : await findTunnel(settings.vpnInterfaceHint ?? undefined);
  const log = logPath(stateDir);
  const hiddenNote =
    hidden === undefined
      ? undefined
      : `${stateDir} belongs to user ${hidden.user}; for more: sudo -u ${hidden.user} coda status`;
  const [hiddenPid, ...others] = hidden?.pids ?? [];
  return {
    running: node !== undefined || hidden !== undefined,
    pid: node?.pid ?? (others.length === 0 ? hiddenPid : undefined) ?? null,
    elsewhere: node?.elsewhere ?? null,
    user: hidden?.user ?? ownerOf(node) ?? null,
    daemon: node?.isOriginal === true ? true : (presence?.isDaemon ?? null),
    original: node?.isOriginal === true,
    version: presence?.version ?? textOf(live?.['version']) ?? null,
    started_at: presence?.startedAt ?? null,
    uptime_sec:
      presence === undefined ? null : Math.round((Date.now() - Date.parse(presence.startedAt)) / 1000),
    restarts: presence?.restarts ?? null,
    recent_restarts: presence?.recentRestarts ?? null,
    url: live === undefined && isAsked ? null : address === undefined ? null : urlOf(address),
    state_dir: stateDir,
    log_file: existsSync(log) ? log : null,
    openvpn_pid: openvpn?.pid ?? null,
    vpn_interface: textOf(live?.['vpn_interface']) ?? tunnel?.found?.name ?? null,
    descriptors:
      node === undefined || node.elsewhere !== undefined ? null : (descriptorsOf(node.pid) ?? null),
    refused_results: await countRefused(stateDir),
    live: live ?? null,
    note: hiddenNote ?? stale ?? (node === undefined ? devNodeHint(stateDir) : undefined) ?? null,
    last_end: readLastEnd(stateDir) ?? null,
  };
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Not that of a process elsewhere, whose id is another's here. */
function ownerOf(node: FoundNode | undefined): string | undefined {
  return node === undefined || node.elsewhere !== undefined ? undefined : userNameOf(node.pid);
}

async function countRefused(stateDir: string): Promise<number | null> {
  return resultFiles(refusedDirectory(nodeFolder(stateDir))).then(
    (names) => names.length,
    () => null,
  );
}
