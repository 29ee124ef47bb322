// Everything that `coda status` shows: the process and, if the node answers, what `/ready` says.
import { existsSync } from 'node:fs';
import type { Settings } from '../../config/settings.ts';
import { isRecord } from '../../protocol/text.ts';
import { paint, type Output } from '../terminal/output.ts';
import { findNode } from '../local-node/find.ts';
import { askReady, troublesOf, urlOf, type Live } from '../local-node/live.ts';
import { findTunnel } from '../../net/tunnels.ts';
import { logPath } from '../../state/layout.ts';
import { findVpnProcess } from '../../state/openvpn.ts';
import { table } from '../terminal/table.ts';
import { durationText } from '../terminal/words.ts';

export interface NodeStatus {
  readonly running: boolean;
  readonly pid: number | null;
  /** Where the process runs, if its id means nothing here: another container or machine. */
  readonly elsewhere: string | null;
  readonly daemon: boolean | null;
  /** Whether it is the Python original. */
  readonly original: boolean;
  readonly started_at: string | null;
  readonly uptime_sec: number | null;
  readonly url: string | null;
  readonly state_dir: string;
  readonly log_file: string | null;
  readonly openvpn_pid: number | null;
  readonly vpn_interface: string | null;
  /** The body of `/ready`; null if the node does not answer. */
  readonly live: Live | null;
  readonly note: string | null;
}

export async function describeNode(settings: Settings): Promise<NodeStatus> {
  const { stateDir } = settings;
  const { node, stale } = await findNode(stateDir);
  const presence = node?.presence;
  // The original listens where the same settings say.
  const address =
    presence?.address ??
    (node?.isOriginal === true ? { host: settings.host, port: settings.port } : undefined);
  const live = address === undefined ? undefined : await askReady(address);
  const openvpn = findVpnProcess(stateDir, settings.nodeVpnProfilePath);
  const tunnel = openvpn === undefined ? undefined : await findTunnel(settings.vpnInterfaceHint ?? undefined);
  const log = logPath(stateDir);
  return {
    running: node !== undefined,
    pid: node?.pid ?? null,
    elsewhere: node?.elsewhere ?? null,
    daemon: node?.isOriginal === true ? true : (presence?.isDaemon ?? null),
    original: node?.isOriginal === true,
    started_at: presence?.startedAt ?? null,
    uptime_sec:
      presence === undefined ? null : Math.round((Date.now() - Date.parse(presence.startedAt)) / 1000),
    url: address === undefined ? null : urlOf(address),
    state_dir: stateDir,
    log_file: existsSync(log) ? log : null,
    openvpn_pid: openvpn?.pid ?? null,
    vpn_interface: textOf(live?.['vpn_interface']) ?? tunnel?.found?.name ?? null,
    live: live ?? null,
    note: stale ?? null,
  };
}

export function renderStatus(status: NodeStatus, out: Output): string[] {
  const { live } = status;
  const rows: (readonly [string, string])[] = [];
  if (status.running) {
    const kind =
      status.daemon === null ? '' : status.daemon ? ', daemon' : ', in a terminal or under a service manager';
    const uptime = status.uptime_sec === null ? '' : `, up ${durationText(status.uptime_sec)}`;
    const where = status.elsewhere === null ? '' : ` ${status.elsewhere}`;
    rows.push([
      'node',
      `${paint(out, 'green', 'running')}, PID ${status.pid}${where}${kind}${status.original ? ', the Python coda-node' : ''}${uptime}`,
    ]);
    const silent = where === '' ? 'the node does not answer' : 'not known here: run coda status there';
    rows.push(...(live === null ? ([['ready', silent]] as const) : liveRows(live, out)));
  } else {
    rows.push(['node', paint(out, 'red', 'stopped')]);
  }
  if (status.note !== null) rows.push(['note', status.note]);
  const vpn = [
    textOf(live?.['vpn_state']),
    status.vpn_interface === null ? undefined : `interface ${status.vpn_interface}`,
    status.openvpn_pid === null ? undefined : `OpenVPN PID ${status.openvpn_pid}`,
  ].filter((part) => part !== undefined);
  rows.push(['VPN', vpn.length === 0 ? 'none' : vpn.join(', ')]);
  if (status.url !== null) rows.push(['URL', status.url]);
  rows.push(['state', status.state_dir], ['log', status.log_file ?? 'none']);
  return table(rows);
}

function liveRows(live: Live, out: Output): (readonly [string, string])[] {
  const reasons = Array.isArray(live['reasons']) ? live['reasons'].map(String) : [];
  const ready = live['ready'] === true;
  const rows: (readonly [string, string])[] = [
    ['ready', ready ? paint(out, 'green', 'yes') : paint(out, 'red', `no: ${reasons.join('; ')}`)],
    ...troublesOf(live).flatMap(({ text, remedy, blocks }): (readonly [string, string])[] => [
      ...(blocks ? [] : [['trouble', text] as const]),
      ...(remedy === null ? [] : [['', `→ ${remedy}`] as const]),
    ]),
  ];
  const { paused } = live;
  if (isRecord(paused))
    rows.push(['paused', `since ${String(paused['since'])}; coda resume lets it take jobs again`]);
  rows.push(
    ['job', textOf(live['current_job']) ?? 'none'],
    ['queued', queueText(live)],
    ['undelivered', shown(live['undelivered'])],
    ['heartbeat', heartbeatText(live)],
    ['executor', shown(live['executor'])],
  );
  return rows;
}

function queueText(live: Live): string {
  const inStream =
    live['backlog'] === undefined ? '' : `, and ${shown(live['backlog'])} not yet taken from the stream`;
  return `${shown(live['queued'])} on this node${inStream}`;
}

function heartbeatText(live: Live): string {
  const last = textOf(live['last_heartbeat_at']);
  const ago = last === undefined ? 'none yet' : `${durationText((Date.now() - Date.parse(last)) / 1000)} ago`;
  const error = textOf(live['heartbeat_error']);
  return error === undefined ? ago : `${ago}; the last one failed: ${error}`;
}

function shown(value: unknown): string {
  if (value === undefined || value === null) return '-';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
