// One look at the node: what `coda status` knows, the last jobs of the history, and how busy the device was, which the
// node's page is told.
import type { Settings } from '../../config/settings.ts';
import { listJobs } from '../../history/read.ts';
import type { JobRecord } from '../../history/record.ts';
import { isRecord } from '../../protocol/text.ts';
import { historyDirectory, nodeFolder } from '../../state/layout.ts';
import { askFor, type Live } from '../local-node/live.ts';
import { describeNode, textOf, type NodeStatus } from '../status/describe.ts';

const MOST_JOBS = 50;
const MOST_GAPS = 20;

export interface Look {
  readonly status: NodeStatus;
  /** Null if the node does not say: it does not run, or its plugin `page` is off. */
  readonly device: DeviceLook | null;
  /** The newest first; none if the history cannot be read. */
  readonly jobs: readonly JobRecord[];
  /** Of the last ten minutes, the newest first. */
  readonly gaps: readonly Gap[];
}

export interface DeviceLook {
  /** Since the start of the node's queue. */
  readonly busy_share: number | null;
  readonly busy_share_last_minute: number | null;
  readonly jobs_per_second: number | null;
  /** Null while something runs. */
  readonly idle: { readonly since: string; readonly text: string } | null;
}

/** A time in which the device was idle for one reason, with short runs in it if there were many. */
export interface Gap {
  readonly since: string;
  readonly until: string;
  readonly idle_ms: number;
  readonly text: string;
}

export async function look(settings: Settings): Promise<Look> {
  const status = await describeNode(settings);
  const jobs = await lastJobs(settings.stateDir);
  // Whether it is the node that listens there has just been checked.
  if (status.live === null || status.url === null) return { status, device: null, jobs, gaps: [] };
  const [state, timeline] = await Promise.all(
    ['state', 'timeline'].map((name) => askFor(`${status.url}/page/${name}`)),
  );
  return { status, device: deviceOf(state), jobs, gaps: gapsOf(timeline) };
}

async function lastJobs(stateDir: string): Promise<readonly JobRecord[]> {
  return listJobs(historyDirectory(nodeFolder(stateDir)), { limit: MOST_JOBS }).then(
    ({ jobs }) => jobs,
    () => [],
  );
}

function deviceOf(state: Live | undefined): DeviceLook | null {
  const device = state?.['device'];
  if (!isRecord(device)) return null;
  const { idle } = device;
  const since = isRecord(idle) ? momentOf(idle['since']) : undefined;
  return {
    busy_share: numberOf(device['busyShare']),
    busy_share_last_minute: numberOf(device['busyShareLastMinute']),
    jobs_per_second: numberOf(device['jobsPerSecond']),
    idle: isRecord(idle) && since !== undefined ? { since, text: textOf(idle['text']) ?? 'not known' } : null,
  };
}

/** The short times between two runs are no gaps that tell anything. */
function gapsOf(timeline: Live | undefined): Gap[] {
  const spans: readonly unknown[] = Array.isArray(timeline?.['spans']) ? timeline['spans'] : [];
  const gaps: Gap[] = [];
  for (const span of spans) {
    const gap = isRecord(span) && span['reason'] !== 'between runs' ? gapOf(span) : undefined;
    if (gap === undefined) continue;
    const last = gaps.at(-1);
    if (last?.text === gap.text && last.until === gap.since) {
      gaps[gaps.length - 1] = { ...last, until: gap.until, idle_ms: last.idle_ms + gap.idle_ms };
    } else gaps.push(gap);
  }
  return gaps.slice(-MOST_GAPS).toReversed();
}

function gapOf({ from, to, busy, text }: Live): Gap | undefined {
  const [since, until] = [momentOf(from), momentOf(to)];
  const why = textOf(text);
  if (since === undefined || until === undefined || why === undefined) return undefined;
  const idleMs = (Number(to) - Number(from)) * (1 - (numberOf(busy) ?? 0));
  return { since, until, idle_ms: Math.round(idleMs), text: why };
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

/** Of Unix milliseconds. */
function momentOf(value: unknown): string | undefined {
  const date = new Date(typeof value === 'number' ? value : NaN);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
