// Watches the event loop while jobs run. An executor that computes on it holds up heartbeats, cancels and `/health`, and
// is named in the log; a process or a machine that was stopped is not blamed on it.
import { uptime } from 'node:os';
import type { BusyTap, BusyTaps } from '../kernel/busy-taps.ts';
import type { Logger } from '../log.ts';

/** A loop that stands still for longer than this is named in the log. */
const BLOCKED_MS = 1_000;
const WATCH_MS = 250;
/** By then Node has reported a SIGCONT that ended the gap. */
const JUDGE_AFTER_MS = 50;

/** A time in which the event loop did not run. */
export interface Gap {
  /** By the monotonic clock, which on Linux and macOS stands still while the machine is suspended. */
  readonly ms: number;
  /** Processor time of the whole process in the gap. */
  readonly cpuMs: number;
  /** How long the machine was suspended, in addition to `ms`. */
  readonly suspendedMs: number;
  /** Whether the process got a SIGCONT. */
  readonly wasContinued: boolean;
}

export interface LoopWatch {
  /** The job that runs, or that ran at the monotonic time `since` or later. */
  readonly jobSince: (since: number) => string | undefined;
  readonly executor: string;
  readonly busyTaps: BusyTaps;
  readonly log: Logger;
}

/** Watches until the returned function is called. */
export function watchEventLoop({ jobSince, executor, busyTaps, log }: LoopWatch): () => void {
  let last = performance.now();
  busyTaps.seenAt = last;
  let cpu = process.cpuUsage();
  let aheadMs = Date.now() - last;
  let suspendedMs = suspendedSoFar();
  let wasContinued = false;
  const onContinued = (): void => void (wasContinued = true);
  if (process.platform !== 'win32') process.on('SIGCONT', onContinued);
  const look = (): void => {
    const now = performance.now();
    const used = process.cpuUsage(cpu);
    const jobId = jobSince(last);
    const tap = busyTaps.longestSince(last);
    const ms = now - last - WATCH_MS;
    // Only a wall clock that jumped is worth asking the system how long it was suspended: it may also have been set.
    const jumpedMs = Date.now() - now - aheadMs;
    const suspended = Math.abs(jumpedMs) < BLOCKED_MS ? 0 : suspendedSoFar() - suspendedMs;
    last = now;
    busyTaps.seenAt = now;
    cpu = process.cpuUsage();
    aheadMs += jumpedMs;
    suspendedMs += suspended;
    if (Math.max(ms, suspended) < BLOCKED_MS) {
      wasContinued = false;
      return;
    }
    // The next time it is known.
    if (tap === undefined) busyTaps.isPrecise = true;
    setTimeout(() => {
      const gap = { ms, cpuMs: (used.user + used.system) / 1000, suspendedMs: suspended, wasContinued };
      wasContinued = false;
      const text = gapText(gap, jobId, executor, tap);
      if (text !== undefined) log.warn(text);
    }, JUDGE_AFTER_MS).unref();
  };
  const timer = setInterval(look, WATCH_MS).unref();
  return () => {
    clearInterval(timer);
    busyTaps.seenAt = Infinity;
    process.off('SIGCONT', onContinued);
  };
}

/** What to tell the operator of a gap; undefined if nothing. `tap` is the one that ran longest in it. */
export function gapText(
  gap: Gap,
  jobId: string | undefined,
  executor: string,
  tap?: BusyTap,
): string | undefined {
  const { ms, cpuMs, suspendedMs, wasContinued } = gap;
  const during = jobId === undefined ? '' : ` while job ${jobId} ran`;
  const innocent =
    jobId === undefined ? '' : '; the executor is not to blame, but check what the job measured';
  if (suspendedMs >= BLOCKED_MS) {
    return (
      `this machine was suspended for ${seconds(suspendedMs)} s${during}${innocent}. ` +
      'Switch its suspend and sleep off: a node must run without a break'
    );
  }
  // A loop that computes is blocked, whatever signals came.
  if (wasContinued && cpuMs < ms / 2) {
    return (
      `this process was stopped for ${seconds(ms)} s${during}, and was continued by SIGCONT${innocent}. ` +
      'If nobody stopped it (SIGSTOP, Ctrl-Z), see whether the machine was suspended'
    );
  }
  const who = blockerOf(ms, jobId, executor, tap);
  if (who === undefined) return undefined;
  const blocked = `the event loop was blocked for ${seconds(ms)} s${during}: `;
  if (cpuMs >= ms / 10) {
    return `${blocked}${who} should do long work in a child process or a worker thread`;
  }
  return (
    `${blocked}almost no processor time was used meanwhile. Either this container or machine was paused, or ` +
    `${who} waits in a blocking call such as execSync: then move it into a child process or a worker thread`
  );
}

/** Who has blocked the loop, for people; undefined if that is not known. */
function blockerOf(
  ms: number,
  jobId: string | undefined,
  executor: string,
  tap: BusyTap | undefined,
): string | undefined {
  const device = jobId === undefined ? undefined : `the executor (${executor})`;
  if (tap === undefined || tap.ms < ms / 2) return device;
  // While a tap of `onJob` has the device, the executor is not called.
  const isSure = tap.isSure || tap.hook === 'onJob' || device === undefined;
  return isSure ? tap.text : `${tap.text}, or ${device},`;
}

/** How long the machine has been suspended by now, on a scale of this process: the uptime continues meanwhile. */
function suspendedSoFar(): number {
  return process.platform === 'linux' ? uptime() * 1000 - performance.now() : 0;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}
