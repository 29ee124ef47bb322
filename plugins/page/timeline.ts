// What the device did in the last ten minutes. Short runs and gaps share a span, so that there are few at any rate: in the
// last minute a span of several is 50 ms long at most, before that a second.
import type { EndedJob, IdleGap } from '../../src/index.ts';
import type { Span } from './api.ts';

const FINE = { mergeMs: 50, keepMs: 60_000 };
const COARSE = { mergeMs: 1_000, keepMs: 600_000 };
/** Two readings of the clock may differ by so much. */
const CLOCK_MS = 2;
/** How far back the run of a job is looked for: its end may be known later than the begin of the next one. */
const LOOK_BACK = 16;
/** A clock that was set back by more than this begins a timeline of its own. */
const SET_BACK_MS = 1_000;

interface Part {
  from: number;
  to: number;
  busyMs: number;
  jobs: number;
  failed: number;
  jobId: string | null;
  /** The longest gap in it, but for those between two runs. */
  gapMs: number;
  reason: Span['reason'];
  text: string | null;
  /** When it was changed last, as a number that grows with each change. */
  change: number;
}

/** What the device did in the last minute. */
export interface LastMinute {
  readonly busyMs: number;
  /** Jobs whose run ended. */
  readonly jobs: number;
}

export class Timeline {
  readonly #fine: Part[] = [];
  readonly #coarse: Part[] = [];
  /** Up to when it is known what the device did. */
  #knownTo = 0;
  #change = 0;

  /** A number that grows with each change. */
  get change(): number {
    return this.#change;
  }

  /** Nothing ran. What is before it and not known yet was a run. */
  gap({ startedAt, endedAt, reason, text }: IdleGap): void {
    this.#follow(endedAt);
    if (this.#knownTo > 0) this.#add(this.#knownTo, startedAt, true);
    const part = this.#add(Math.max(startedAt, this.#knownTo), endedAt, false);
    const ms = endedAt - startedAt;
    if (reason !== 'between runs' && ms > part.gapMs) {
      part.gapMs = ms;
      part.reason = reason;
      part.text = text;
    }
    this.#knownTo = Math.max(this.#knownTo, endedAt);
  }

  /** A job has ended; one that has not run was not on the device. */
  ended({ startedAt, endedAt, jobId, outcome }: EndedJob): void {
    if (startedAt === null) return;
    this.#follow(endedAt);
    if (endedAt > this.#knownTo || this.#fine.length === 0) {
      this.#add(Math.max(startedAt, this.#knownTo), endedAt, true);
      this.#knownTo = endedAt;
    }
    const part = this.#at(endedAt);
    part.jobs += 1;
    part.jobId = part.jobs === 1 ? jobId : null;
    if (outcome.status === 'failed') part.failed += 1;
    part.change = this.#change += 1;
  }

  /** The spans of the last ten minutes, or those of the last minute that changed after `change`. */
  spans(now: number, change = 0): Span[] {
    const parts = change > 0 ? this.#changedAfter(change) : [...this.#coarse, ...this.#fine];
    return parts.filter(({ to }) => to > now - COARSE.keepMs).map(spanOf);
  }

  /** `isBusy`: something runs now. */
  lastMinute(now: number, isBusy: boolean): LastMinute {
    const begin = now - FINE.keepMs;
    let busyMs = isBusy && this.#knownTo > 0 ? now - Math.max(begin, this.#knownTo) : 0;
    let jobs = 0;
    for (let at = this.#fine.length - 1; at >= 0; at -= 1) {
      const part = this.#fine[at];
      if (part === undefined || part.to <= begin) break;
      const share = part.from >= begin ? 1 : (part.to - begin) / (part.to - part.from);
      busyMs += part.busyMs * share;
      jobs += part.jobs;
    }
    return { busyMs, jobs };
  }

  /** The last part that an end at this time belongs to. */
  #at(time: number): Part {
    const last = this.#fine.length - 1;
    for (let at = last; at >= 0 && at > last - LOOK_BACK; at -= 1) {
      const part = this.#fine[at];
      if (part !== undefined && part.busyMs > 0 && part.from <= time + CLOCK_MS) return part;
    }
    return this.#fine[last] ?? this.#add(time, time, true);
  }

  /** A part that begins at the end of the one before, or that one if both are short. */
  #add(from: number, to: number, isBusy: boolean): Part {
    const last = this.#fine.at(-1);
    const ms = Math.max(0, to - from);
    if (last !== undefined && (ms === 0 || to - last.from <= FINE.mergeMs)) {
      last.to = Math.max(last.to, to);
      if (isBusy) last.busyMs += ms;
      last.change = this.#change += 1;
      return last;
    }
    const part: Part = {
      from,
      to: from + ms,
      busyMs: isBusy ? ms : 0,
      jobs: 0,
      failed: 0,
      jobId: null,
      gapMs: 0,
      reason: null,
      text: null,
      change: (this.#change += 1),
    };
    this.#fine.push(part);
    this.#age(to);
    return part;
  }

  /** Parts of more than a minute ago become fewer, and those of more than ten are forgotten. */
  #age(now: number): void {
    // A few at a time: to take the first of a long list away moves all others.
    const [first] = this.#fine;
    if (first === undefined || first.to > now - FINE.keepMs - COARSE.mergeMs) return;
    let old = 0;
    while ((this.#fine[old]?.to ?? now) < now - FINE.keepMs) old += 1;
    for (const part of this.#fine.splice(0, old)) {
      const last = this.#coarse.at(-1);
      if (last === undefined || part.to - last.from > COARSE.mergeMs) this.#coarse.push(part);
      else merge(last, part);
    }
    while ((this.#coarse[0]?.to ?? now) < now - COARSE.keepMs) this.#coarse.shift();
  }

  #changedAfter(change: number): Part[] {
    let begin = this.#fine.length;
    // Only the last ones still change.
    for (let at = begin - 1, same = 0; at >= 0 && same < LOOK_BACK; at -= 1) {
      if ((this.#fine[at]?.change ?? 0) > change) {
        begin = at;
        same = 0;
      } else same += 1;
    }
    return this.#fine.slice(begin).filter((part) => part.change > change);
  }

  /** If the clock was set back, what was known is of another time. */
  #follow(now: number): void {
    if (now > this.#knownTo - SET_BACK_MS) return;
    this.#fine.length = 0;
    this.#coarse.length = 0;
    this.#knownTo = 0;
  }
}

function merge(into: Part, part: Part): void {
  into.to = part.to;
  into.busyMs += part.busyMs;
  into.jobs += part.jobs;
  into.failed += part.failed;
  into.jobId = into.jobs === 1 ? (into.jobId ?? part.jobId) : null;
  if (part.gapMs <= into.gapMs) return;
  into.gapMs = part.gapMs;
  into.reason = part.reason;
  into.text = part.text;
}

function spanOf({ from, to, busyMs, jobs, failed, jobId, reason, text }: Part): Span {
  const busy = to > from ? Math.min(1, Math.round((busyMs / (to - from)) * 1_000) / 1_000) : 1;
  return { from: rounded(from), to: rounded(to), busy, jobs, failed, jobId, reason, text };
}

/** Of a time, a tenth of a millisecond is enough. */
function rounded(time: number): number {
  return Math.round(time * 10) / 10;
}
