// What `coda top` shows: the state of the node, the device, then as many of the last jobs and gaps as there is room for.
import { nameOfUser } from '../../state/users.ts';
import { headLine, jobRow } from '../jobs/report.ts';
import { statusRows, type Row } from '../status/render.ts';
import { paint, type Output } from '../terminal/output.ts';
import { table } from '../terminal/table.ts';
import { durationText, momentText, shortTimeText } from '../terminal/words.ts';
import type { DeviceLook, Gap, Look } from './look.ts';

/** Lines of jobs and gaps if there is room for all. */
const ROOM = 18;
/** A third of it is for gaps, and what the jobs leave. */
const GAPS_SHARE = 3;

/** `rows`: how many lines there may be; without it, all of the state and some of the others. */
export function lines({ status, device, jobs, gaps }: Look, out: Output, rows?: number): string[] {
  const user = nameOfUser(process.geteuid?.() ?? -1);
  const state = table([...statusRows(status, out, user), ...deviceRows(device)]);
  // An empty line and a head before each of the two.
  const room = rows === undefined ? ROOM : rows - state.length - 4;
  const jobLines = jobs.flatMap((job) => jobRow(job, out).split('\n'));
  const gapsRoom = Math.max(0, Math.ceil(room / GAPS_SHARE), room - jobLines.length);
  const gapsShown = gaps.slice(0, gapsRoom);
  return [
    ...state,
    ...section(headLine(), jobLines.slice(0, Math.max(0, room - gapsShown.length)), out),
    ...section(`${'IDLE SINCE'.padEnd(19)}  ${'FOR'.padEnd(12)}  WHY`, gapsShown.map(gapLine), out),
  ];
}

function section(head: string, found: readonly string[], out: Output): string[] {
  return found.length === 0 ? [] : ['', paint(out, 'dim', head), ...found];
}

function deviceRows(device: DeviceLook | null): Row[] {
  if (device === null) return [];
  const { busy_share, busy_share_last_minute, jobs_per_second, idle } = device;
  const busy =
    busy_share === null
      ? 'nothing measured yet'
      : `busy ${shareText(busy_share_last_minute ?? 0)} of the last minute, ${shareText(busy_share)} since the start`;
  const rate = jobs_per_second === null ? '' : `; ${Number(jobs_per_second.toPrecision(3))} jobs/s`;
  const rows: Row[] = [['device', `${busy}${rate}`]];
  if (idle !== null)
    rows.push(['idle', `for ${durationText((Date.now() - Date.parse(idle.since)) / 1000)}: ${idle.text}`]);
  return rows;
}

function gapLine({ since, idle_ms, text }: Gap): string {
  return `${momentText(Date.parse(since))}  ${shortTimeText(idle_ms).padEnd(12)}  ${text}`;
}

function shareText(share: number): string {
  return `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;
}
