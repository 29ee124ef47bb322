// What `coda status` shows to people: one row for each fact, the most urgent ones first.
import { MORE_FILES_REMEDY } from '../../errors.ts';
import { isRecord } from '../../protocol/text.ts';
import { descriptorsText, isExhausted } from '../../state/descriptors.ts';
import { lastEndText } from '../../state/last-end.ts';
import { troublesOf, type Live } from '../local-node/live.ts';
import { paint, type Output } from '../terminal/output.ts';
import { table } from '../terminal/table.ts';
import { durationText, shownText } from '../terminal/words.ts';
import { textOf, type NodeStatus } from './describe.ts';

export type Row = readonly [string, string];

/** `user`: who asks. The owner of a node is named if it is another one. */
export function renderStatus(status: NodeStatus, out: Output, user: string): string[] {
  const rows = statusRows(status, out, user);
  if (status.url !== null) rows.push(['URL', status.url]);
  rows.push(['state', status.state_dir], ['log', status.log_file ?? 'none']);
  return table(rows);
}

/** All but where to find it. */
export function statusRows(status: NodeStatus, out: Output, user: string): Row[] {
  const { live } = status;
  const rows: Row[] = [];
  if (status.running) {
    rows.push(['node', `${paint(out, 'green', 'running')}, ${processText(status, user)}`]);
    if (status.restarts !== null)
      rows.push(['restarts', restartsText(status.restarts, status.recent_restarts)]);
    if (status.descriptors !== null && isExhausted(status.descriptors))
      rows.push(
        ['files', `it may open no more: ${descriptorsText(status.descriptors)}`],
        ['', `→ ${MORE_FILES_REMEDY}`],
      );
    rows.push(...(live === null ? [['ready', silentText(status)] as const] : liveRows(live, out)));
  } else {
    rows.push(['node', paint(out, 'red', 'stopped')]);
  }
  if (status.refused_results !== null && status.refused_results > 0)
    rows.push(['refused', `${status.refused_results}, set aside; coda results list shows them`]);
  if (status.note !== null) rows.push(['note', status.note]);
  if (status.last_end !== null) rows.push(['last end', lastEndText(status.last_end)]);
  const vpn = [
    textOf(live?.['vpn_state']),
    status.vpn_interface === null ? undefined : `interface ${status.vpn_interface}`,
    status.openvpn_pid === null ? undefined : `OpenVPN PID ${status.openvpn_pid}`,
  ].filter((part) => part !== undefined);
  rows.push(['VPN', vpn.length === 0 ? 'none' : vpn.join(', ')]);
  return rows;
}

function processText(status: NodeStatus, user: string): string {
  const { pid, elsewhere, daemon } = status;
  return [
    pid === null ? undefined : `PID ${pid}${elsewhere === null ? '' : ` ${elsewhere}`}`,
    status.user === null || status.user === user ? undefined : `as user ${status.user}`,
    daemon === null ? undefined : daemon ? 'daemon' : 'in a terminal or under a service manager',
    status.original ? 'the Python coda-node' : undefined,
    status.version === null ? undefined : `version ${status.version}`,
    status.uptime_sec === null ? undefined : `up ${durationText(status.uptime_sec)}`,
  ]
    .filter((part) => part !== undefined)
    .join(', ');
}

function restartsText(restarts: number, recent: number | null): string {
  return restarts === 0 ? 'none' : `${restarts}, of these ${recent ?? 0} in the 24 h before this start`;
}

function silentText({ elsewhere, user }: NodeStatus): string {
  if (elsewhere !== null) return 'not known here: run coda status there';
  return user === null ? 'not known' : 'the node does not answer';
}

function liveRows(live: Live, out: Output): Row[] {
  const rows: Row[] = [
    ['ready', readyText(live, out)],
    ...troublesOf(live).flatMap(({ text, remedy, blocks }): Row[] => [
      ...(blocks ? [] : [['trouble', text] as const]),
      ...(remedy === null ? [] : [['', `→ ${remedy}`] as const]),
    ]),
  ];
  const notReady = ageOf(live['not_ready_since']);
  if (notReady !== undefined) rows.push(['not ready', `for ${notReady}`]);
  const { paused } = live;
  if (isRecord(paused))
    rows.push(['paused', `since ${shownText(paused['since'])}; coda resume lets it take jobs again`]);
  const job = textOf(live['current_job']);
  const jobAge = ageOf(live['current_job_since']);
  rows.push(
    ['job', job === undefined ? 'none' : `${job}${jobAge === undefined ? '' : `, for ${jobAge}`}`],
    ['queued', queueText(live)],
  );
  if (typeof live['completed'] === 'number')
    rows.push([
      'done',
      `${live['completed']} completed, ${shownText(live['failed'])} failed since the start`,
    ]);
  const oldest = ageOf(live['oldest_undelivered_at']);
  const delivered = ageOf(live['last_delivery_at']);
  rows.push(
    [
      'undelivered',
      `${shownText(live['undelivered'])}${oldest === undefined ? '' : `, the oldest for ${oldest}`}`,
    ],
    ['delivered', delivered === undefined ? 'nothing since the start' : `last ${delivered} ago`],
    ['heartbeat', heartbeatText(live)],
    ['executor', shownText(live['executor'])],
  );
  return rows;
}

function readyText(live: Live, out: Output): string {
  if (live['ready'] === true) return paint(out, 'green', 'yes');
  const reasons = Array.isArray(live['reasons']) ? live['reasons'].map(shownText) : [];
  return paint(out, 'red', `no: ${reasons.join('; ')}`);
}

function queueText(live: Live): string {
  const inStream =
    live['backlog'] === undefined ? '' : `, and ${shownText(live['backlog'])} not yet taken from the stream`;
  return `${shownText(live['queued'])} on this node${inStream}`;
}

function heartbeatText(live: Live): string {
  const ago = ageOf(live['last_heartbeat_at']);
  const last = ago === undefined ? 'none yet' : `${ago} ago`;
  const error = textOf(live['heartbeat_error']);
  return error === undefined ? last : `${last}; the last one failed: ${error}`;
}

/** How long ago a time was; undefined if it is none. */
function ageOf(time: unknown): string | undefined {
  const at = Date.parse(textOf(time) ?? '');
  return Number.isNaN(at) ? undefined : durationText((Date.now() - at) / 1000);
}
