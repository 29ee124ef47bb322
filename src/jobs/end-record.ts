// The record of a job's end, as the hook `onEnd` shows it. What takes work is made only if somebody looks.
import { unixMs } from '../net/timing.ts';
import { NO_ANNOTATIONS, type Annotations } from './annotations.ts';
import type { CircuitFigures, EndedJob } from './ended-job.ts';
import { circuitFigures } from './circuit-figures.ts';
import type { HeldJob, Job } from './job.ts';
import { BYTES_PER_CHARACTER } from './job-table.ts';
import { viewOf } from './job-view.ts';

/** What made a job fail. */
interface Cause {
  readonly where: string;
  readonly thrown?: unknown;
}

export class EndRecord implements EndedJob {
  readonly jobId: string;
  readonly messageId: string;
  readonly origin: EndedJob['origin'];
  readonly outcome: EndedJob['outcome'];
  readonly where: string | null;
  readonly thrown: unknown;
  readonly bytes: number;
  readonly sentAt: number;
  readonly takenAt: number;
  readonly queuedAt: number | null;
  readonly startedAt: number | null;
  readonly endedAt: number;
  readonly #held: HeldJob;

  constructor(
    held: HeldJob,
    outcome: EndedJob['outcome'],
    cause: Cause | undefined,
    origin: EndedJob['origin'] = 'cloud',
  ) {
    const { queuedAt, startedAt, endedAt } = held;
    // One offset for all: their differences are exact, also if the clock is set.
    const offset = unixMs(0);
    const atOrNull = (time: number | undefined): number | null => (time === undefined ? null : offset + time);
    this.jobId = held.jobId;
    this.messageId = held.messageIds[0];
    this.origin = origin;
    this.outcome = outcome;
    this.where = cause?.where ?? null;
    this.thrown = cause?.thrown;
    this.bytes = Math.round(held.bytes / BYTES_PER_CHARACTER);
    this.sentAt = Number.parseInt(this.messageId, 10);
    this.takenAt = offset + held.takenAt;
    this.queuedAt = atOrNull(queuedAt);
    this.startedAt = atOrNull(startedAt);
    // A run that is stopped has not ended yet.
    const hasEnded = endedAt !== undefined && endedAt >= (startedAt ?? Infinity);
    this.endedAt = offset + (hasEnded ? endedAt : performance.now());
    this.#held = held;
    Object.freeze(this);
  }

  get circuit(): CircuitFigures | null {
    const held = this.#held;
    return held.stage === 'checking' ? null : circuitFigures(held.circuit);
  }

  get annotations(): Annotations {
    return this.#held.annotations ?? NO_ANNOTATIONS;
  }

  get trace(): EndedJob['trace'] {
    return this.#held.trace ?? null;
  }

  get job(): Job | null {
    const held = this.#held;
    return held.stage === 'checking' ? null : viewOf(held);
  }
}
