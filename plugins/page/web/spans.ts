// What the device did in the last minutes, as the page keeps it: spans in their order, and what is in each part of the time.
import type { GapReason, Snapshot, Span } from '../api.ts';
import { clock, counted, duration, share } from './format.ts';

/** How far the page looks back, as the node does. */
export const KEPT_MS = 600_000;
/** The oldest are dropped then, although they are not that old: a page may be open for days. */
const MOST_SPANS = 20_000;

export class Spans {
  #spans: Span[] = [];

  replace(spans: readonly Span[]): void {
    this.#spans = [...spans];
  }

  /** A span with a known `from` replaces the one that is known. */
  add(spans: readonly Span[], now: number): void {
    for (const span of spans) {
      let at = this.#spans.length;
      while (at > 0 && (this.#spans[at - 1]?.from ?? 0) >= span.from) at -= 1;
      this.#spans.splice(at, this.#spans[at]?.from === span.from ? 1 : 0, span);
    }
    const gone = this.#spans.findIndex(({ to }) => to >= now - KEPT_MS);
    const tooMany = Math.max(gone, this.#spans.length - MOST_SPANS);
    // In one go, since each time all others move.
    if (tooMany > 200) this.#spans.splice(0, tooMany);
  }

  /** Those of a time, with what the device does now as the last one. */
  within(from: number, now: number, snapshot: Snapshot | undefined): Span[] {
    let first = this.#spans.length;
    while (first > 0 && (this.#spans[first - 1]?.to ?? 0) > from) first -= 1;
    const found = this.#spans.slice(first);
    const current = snapshot && currentSpan(snapshot, this.#spans.at(-1)?.to ?? 0, now);
    return current === undefined ? found : [...found, current];
  }
}

/** The run or the gap that has not ended. */
function currentSpan({ device, running }: Snapshot, after: number, now: number): Span | undefined {
  const [first] = running;
  const since = first?.startedAt ?? device.idle?.since;
  if (since === undefined) return undefined;
  const from = Math.max(since, after);
  if (from >= now) return undefined;
  const span = { from, to: now, jobs: 0, failed: 0 };
  return first === undefined
    ? { ...span, busy: 0, jobId: null, reason: device.idle?.reason ?? null, text: device.idle?.text ?? null }
    : { ...span, busy: 1, jobId: first.jobId, reason: null, text: null };
}

/** For a tip, and for a screen reader. */
export function spanText({ from, to, busy, jobs, failed, jobId, text }: Span, now: number): string {
  const length = duration(to - from);
  const when = `${clock(from)}, ${length}`;
  if (busy === 0) return `${when}: nothing ran, ${text ?? 'between two runs'}`;
  const outcome = failed === 0 ? '' : `, ${failed === jobs ? 'failed' : `${failed} failed`}`;
  if (jobs === 0) return `${when}: ${jobId === null ? 'a run' : `${jobId} runs`}${to >= now ? ' now' : ''}`;
  const what = jobs === 1 ? `run of ${jobId ?? 'one job'}` : counted(jobs, 'run');
  const rest =
    busy >= 0.995 ? '' : `, busy ${share(busy)}${text === null ? '' : `; the longest gap: ${text}`}`;
  return `${when}: ${what}${outcome}${rest}`;
}

/** Equal parts of a time, as wide as a line on the screen. */
export interface Columns {
  /** The share of each part in which something ran; -1 if nothing is known of it. */
  readonly busy: Float32Array;
  readonly failed: Uint8Array;
  /** Why nothing ran for the longest time of it. */
  readonly reasons: (GapReason | null)[];
}

export function columnsOf(spans: readonly Span[], from: number, to: number, count: number): Columns {
  const width = (to - from) / count;
  const busyMs = new Float32Array(count);
  const knownMs = new Float32Array(count);
  const gapMs = new Float32Array(count);
  const failed = new Uint8Array(count);
  const reasons: (GapReason | null)[] = Array.from<GapReason | null>({ length: count }).fill(null);
  for (const span of spans) {
    const first = Math.max(0, Math.floor((span.from - from) / width));
    const last = Math.min(count - 1, Math.floor((span.to - from) / width));
    if (span.failed > 0 && last >= 0) failed[last] = 1;
    for (let at = first; at <= last; at++) {
      const begin = Math.max(span.from, from + at * width);
      const length = Math.min(span.to, from + (at + 1) * width) - begin;
      if (length <= 0) continue;
      knownMs[at] = (knownMs[at] ?? 0) + length;
      busyMs[at] = (busyMs[at] ?? 0) + length * span.busy;
      const idle = length * (1 - span.busy);
      if (span.reason !== null && idle > (gapMs[at] ?? 0)) {
        gapMs[at] = idle;
        reasons[at] = span.reason;
      }
    }
  }
  const busy = busyMs.map((ms, at) => {
    const known = knownMs[at] ?? 0;
    return known === 0 ? -1 : ms / known;
  });
  return { busy, failed, reasons };
}
