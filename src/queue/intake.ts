// From a stream entry to a job that is ready for the device: parsed, held only once, not yet done, not cancelled.
//
//   entry -> no job: dead letter, acknowledged
//        \-> its job ended here lately: its end is written again
//        \-> its job is held, or in the outbox: the entry is acknowledged with it
//        \-> its result would have nowhere to wait: it stays pending (deferred.ts)
//        \-> held -> checked in Redis -> queued for the device, or it ends here (endings.ts): also if it has run before, and
//                    Redis has the copy of its outcome
import type { Redis } from 'ioredis';
import { MARKED_AHEAD, type RunMarker } from '../device/run-marker.ts';
import { messageOf } from '../errors.ts';
import type { Hooks } from '../hooks.ts';
import type { Endings } from '../jobs/endings.ts';
import type { CheckingJob, HeldJob } from '../jobs/job.ts';
import { BYTES_PER_CHARACTER, type JobTable } from '../jobs/job-table.ts';
import { isTapped } from '../kernel/tap.ts';
import type { Logger } from '../log.ts';
import { recordDeadLetter } from '../outbox/dead-letters.ts';
import type { Outbox } from '../outbox/outbox.ts';
import { parseMessage, type JobMessage } from '../protocol/job.ts';
import type { Deferred } from './deferred.ts';
import { openOwners } from './entry-owner.ts';
import { Preparing } from './preparing.ts';
import { readCircuit, readCircuitInSteps, type ReadCircuit } from './read-circuit.ts';
import type { OutcomeCopies } from './outcome-copies.ts';
import { redisStates, type RedisState } from './redis-state.ts';
import type { RedisWrites } from './redis-writes.ts';
import type { JobStream, StreamEntry } from './stream.ts';
import { TimeSlices } from './time-slices.ts';
import type { UnusableEntries } from './unusable-entries.ts';

/** From this size on, in memory, a circuit is read in steps: others would wait too long. */
const LARGE_BYTES = 512 * 1024;

/** What is known of an entry that was delivered before. */
export interface EarlierDelivery {
  readonly deliveries: number;
  /** It belonged to another consumer. */
  readonly takenOver: boolean;
}

export interface IntakeOptions {
  readonly redis: Redis;
  readonly stream: JobStream;
  readonly held: JobTable;
  readonly outbox: Outbox;
  readonly writes: RedisWrites;
  /** Undefined if outcomes have no copies in Redis. */
  readonly copies: OutcomeCopies | undefined;
  readonly endings: Endings;
  readonly marker: RunMarker;
  readonly deferred: Deferred;
  readonly unusable: UnusableEntries;
  /** The folder of the dead letters. */
  readonly directory: string;
  readonly maxDeliveries: number;
  /** For so long after Redis was asked for an entry, it is surely this node's. */
  readonly safeLeaseMs: number;
  readonly hooks: Hooks;
  /** Whether the executor wants the text of the circuits. */
  readonly keepsText: boolean;
  readonly log: Logger;
}

interface Candidate {
  readonly job: HeldJob;
  readonly message: JobMessage;
  readonly fields: readonly string[];
  /** Why it cannot be run, whatever its circuit is. */
  readonly fault: string | undefined;
  readonly earlier: EarlierDelivery | undefined;
}

export class Intake {
  readonly #options: IntakeOptions;
  readonly #slices = new TimeSlices();
  readonly #preparing: Preparing;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#preparing = new Preparing({ ...options, isOwn: this.#isOwn });
  }

  /** Whether the node has this entry already, at whatever stage. */
  knows(messageId: string): boolean {
    const { held, outbox, writes, deferred, unusable } = this.#options;
    return (
      deferred.has(messageId) ||
      held.ofMessage(messageId) !== undefined ||
      outbox.hasMessage(messageId) ||
      writes.isAcknowledging(messageId) ||
      unusable.has(messageId)
    );
  }

  /** Takes entries in, for which Redis was asked at `askedAt` (monotonic milliseconds): each becomes a queued job, or ends
   *  here. Rejects if Redis fails: the entries that have not ended then stay pending, and the node forgets them. So does it
   *  with entries that came too late: another node may have them by now. */
  async take(
    entries: readonly StreamEntry[],
    askedAt: number,
    earlier?: ReadonlyMap<string, EarlierDelivery>,
  ): Promise<void> {
    const candidates = entries.flatMap((entry) => {
      const candidate = this.#admit(entry, askedAt, earlier?.get(entry.messageId));
      return candidate === undefined ? [] : [candidate];
    });
    if (candidates.length === 0) return;
    const { redis, stream, held, marker, endings, copies, deferred, log, keepsText } = this.#options;
    const jobs = candidates.map(({ job }) => job);
    // What is delivered for the first time has not run, and has no copy: nobody else has had it. If that may have changed
    // before Redis answers, the lease is over (Recovery), and the entry is taken in once more, as one of an earlier delivery.
    const asked =
      copies === undefined || earlier === undefined ? redisStates(redis, jobs, log) : copies.states(jobs);
    // Meanwhile: mark the runs that will start first, and read small circuits.
    if (held.queued === 0) {
      marker.next(
        candidates.slice(0, MARKED_AHEAD).map(({ message }) => message.messageId),
        1,
      );
    }
    const circuits = candidates.map(({ job, message, fault }) =>
      fault !== undefined ? { fault } : job.bytes < LARGE_BYTES ? readCircuit(message, keepsText) : undefined,
    );
    try {
      const states = await asked;
      const owners = await openOwners(redis, stream, jobs, states, this.#isOwn);
      const recorded: Promise<void>[] = [];
      const open = candidates.map((candidate, i) => {
        const redisState = states[i];
        if (redisState === undefined) deferred.waitForShard(candidate.message.messageId);
        if (redisState === undefined) return false;
        if (!(owners.get(candidate.job) ?? this.#isOwn(candidate.job))) return false;
        return !this.#endsHere(candidate, redisState, recorded);
      });
      // Before the next job starts: it may be one that kills the node.
      if (recorded.length > 0) await Promise.all(recorded);
      for (const [i, candidate] of candidates.entries()) {
        if (open[i] !== true) continue;
        this.#queue(candidate, circuits[i] ?? (await this.#readLarge(candidate.message)));
      }
    } finally {
      for (const { job } of candidates) if (job.stage === 'checking') endings.givenBack(job);
    }
  }

  /** It counts as a start: a circuit may take more memory than there is, and end the process. */
  async #readLarge(message: JobMessage): Promise<ReadCircuit> {
    const { marker, keepsText } = this.#options;
    marker.begin([message.messageId]);
    try {
      return await this.#slices.run(readCircuitInSteps(message, keepsText));
    } finally {
      marker.endReading(message.messageId);
    }
  }

  /** Reads the message and holds the job; undefined if there is nothing (more) to do for this entry. */
  #admit(
    { messageId, fields, fault }: StreamEntry,
    askedAt: number,
    earlier: EarlierDelivery | undefined,
  ): Candidate | undefined {
    const { held, outbox, endings, deferred, unusable } = this.#options;
    if (unusable.has(messageId)) return undefined;
    let message: JobMessage;
    try {
      message = parseMessage(messageId, fields);
    } catch (thrown) {
      void unusable.setAside(messageId, fields, fault ?? messageOf(thrown));
      return undefined;
    }
    // Identify by job id: a server that lost its newest entries may reuse their entry ids.
    const { jobId, callbackUrl } = message;
    if (endings.endedBefore(jobId, messageId)) return undefined;
    const twin = held.get(jobId);
    if (twin !== undefined) {
      if (!twin.messageIds.includes(messageId)) held.addMessage(twin, messageId);
      return undefined;
    }
    if (outbox.has(jobId)) {
      outbox.adopt(jobId, messageId);
      return undefined;
    }
    if (deferred.defers(messageId, callbackUrl)) return undefined;
    const bytes = BYTES_PER_CHARACTER * fields.reduce((sum, field) => sum + field.length, 0);
    const job: CheckingJob = {
      jobId,
      callbackUrl,
      messageIds: [messageId],
      bytes,
      heldSince: askedAt,
      takenAt: performance.now(),
      stage: 'checking',
    };
    if (message.trace !== undefined) job.trace = message.trace;
    held.add(job);
    return { job, message, fields, fault, earlier };
  }

  /** Whether the job ends without a run, or is not here any more. What must be on disk or in Redis before any job runs
   *  is added to `recorded`. */
  #endsHere(candidate: Candidate, redisState: RedisState, recorded: Promise<void>[]): boolean {
    const { endings, maxDeliveries, marker, copies, log } = this.#options;
    const { job, message } = candidate;
    if (!this.#isChecking(job)) return true;
    const { state, messageId, error, copy } = redisState;
    // Before a cancel, and although it may have ended: the outcome may have been posted from there, or not.
    if (copy !== undefined && state === 'cancelled') void copies?.remove(job.jobId);
    else if (copy !== undefined) {
      log.info(`job ${job.jobId} has run before: its outcome, which was in Redis, is delivered`, {
        job: job.jobId,
      });
      void endings.ranBefore(job, copy).then(() => marker.forget(message.messageId));
      return true;
    }
    if (state === 'completed' || state === 'cancelled') {
      endings.endedElsewhere(job);
      return true;
    }
    // Before a cancel, which comes too late: another node ran it, and may have delivered the outcome before it died.
    if (state === 'failed' && messageId === message.messageId) {
      void endings.failedElsewhere(job, error ?? 'the job failed');
      return true;
    }
    if (redisState.cancelled || job.isCancelled === true) {
      endings.cancelled(job);
      return true;
    }
    const starts = this.#startsBefore(candidate, state === 'executing' && messageId === message.messageId);
    if (starts === 0) return false;
    const isGivenUp = starts >= maxDeliveries;
    recorded.push(
      isGivenUp ? this.#giveUp(candidate, starts) : this.countDelivery(message.messageId, starts + 1),
    );
    return isGivenUp;
  }

  /** How often the job was started without an outcome: here, as the disk says; elsewhere, as Redis says. */
  #startsBefore({ message: { messageId }, earlier }: Candidate, began: boolean): number {
    const { marker } = this.#options;
    const here = marker.startsBefore(messageId);
    if (here > 0 || earlier?.takenOver !== true || !(began || earlier.deliveries > 1)) return here;
    marker.startedElsewhere(messageId, earlier.deliveries);
    return earlier.deliveries;
  }

  #queue({ job, message }: Candidate, circuit: ReadCircuit): void {
    if (!this.#isChecking(job)) return;
    const { held, writes, endings, hooks } = this.#options;
    if (!this.#isOwn(job)) return endings.givenBack(job);
    if (job.isCancelled === true) return endings.cancelled(job);
    if ('fault' in circuit) {
      void writes.executing(job.jobId, message.messageId);
      void endings.failed(job, circuit.fault, { where: 'in the check of its circuit' });
      return;
    }
    if (isTapped(hooks.prepare)) void this.#preparing.begin(job, circuit);
    else held.enqueue(job, circuit);
  }

  /** Whether the node can be sure of that: to read a large circuit, or to prepare a job, takes its time. Another node may
   *  have ended the job meanwhile; if not, it is taken in once more. */
  readonly #isOwn = (job: HeldJob): boolean => job.heldSince > performance.now() - this.#options.safeLeaseMs;

  /** False if it was cancelled during the check. */
  #isChecking(job: HeldJob): job is CheckingJob {
    return job.stage === 'checking' && this.#options.held.get(job.jobId) === job;
  }

  /** A job that was started again and again without an outcome kills the node, or hangs it. Resolves once that is
   *  saved. */
  async #giveUp({ job, message, fields }: Candidate, starts: number): Promise<void> {
    const { directory, log, endings, marker } = this.#options;
    const error = `the job was started ${starts} times without an outcome; it is not tried again`;
    const saved = endings.failed(job, error);
    // For the operator; the cloud does not wait for it.
    recordDeadLetter(directory, message.messageId, fields, error).catch((thrown: unknown) =>
      log.error(`no dead-letter record of job ${job.jobId}: ${messageOf(thrown)}`, { job: job.jobId }),
    );
    await saved;
    marker.forget(message.messageId);
  }

  /** For the node that takes the job over, if this one dies. Never rejects. */
  async countDelivery(messageId: string, deliveries: number): Promise<void> {
    const { stream, redis, log } = this.#options;
    try {
      await stream.setDeliveries(redis, messageId, deliveries);
    } catch (thrown) {
      log.warn(`the delivery count of ${messageId} is not kept: ${messageOf(thrown)}`);
    }
  }
}
