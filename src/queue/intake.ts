// From a stream entry to a job that is ready for the device: parsed, known only once, not yet done, not cancelled.
import type { Redis } from 'ioredis';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { parseIr, parseIrInSteps } from '../protocol/ir.ts';
import { parseMessage, parseShots, type JobMessage } from '../protocol/job.ts';
import { cancelKey, statusKey } from '../protocol/keys.ts';
import type { Outcome } from '../protocol/webhook.ts';
import { isConnectionFault, sendTogether, type RedisCommand, type RedisReply } from '../net/redis.ts';
import type { HeldJob, JobTable, QueuedJob } from '../jobs/job-table.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { RedisWrites } from './redis-writes.ts';
import { recordDeadLetter } from '../outbox/refused.ts';
import type { JobStream, StreamEntry } from './stream.ts';
import { TimeSlices } from './time-slices.ts';

/** Memory that a message and its circuit take, in relation to its length. */
const BYTES_PER_CHARACTER = 6;
/** From this size on, in memory, a circuit takes longer to read than others should wait. */
const LARGE_BYTES = 512 * 1024;

/** What is known of an entry that was delivered before. */
export interface EarlierDelivery {
  readonly deliveries: number;
  /** It was on this node's device when the node died. */
  readonly interrupted: boolean;
  /** It belonged to another consumer. */
  readonly takenOver: boolean;
}

export interface IntakeOptions {
  readonly redis: Redis;
  readonly stream: JobStream;
  readonly held: JobTable;
  readonly outbox: Outbox;
  readonly writes: RedisWrites;
  readonly spool: string;
  readonly maxDeliveries: number;
  readonly log: Logger;
  /** The jobs of these entries will be ready soon, if nothing speaks against them. */
  readonly onComing: (messageIds: readonly string[]) => void;
  /** A job is ready for the device. */
  readonly onQueued: () => void;
  readonly onCancelled: (job: HeldJob) => void;
  /** A held job has its outcome without a run. */
  readonly onOutcome: (job: HeldJob, outcome: Outcome) => void;
}

/** What Redis says of a job: its status hash and its cancel signal. */
interface RedisState {
  readonly state: string | null;
  readonly messageId: string | null;
  readonly error: string | null;
  readonly cancelled: boolean;
}

interface Candidate {
  readonly job: HeldJob;
  readonly message: JobMessage;
  readonly fields: readonly string[];
  readonly earlier: EarlierDelivery | undefined;
}

export class Intake {
  readonly #options: IntakeOptions;
  readonly #slices = new TimeSlices();
  /** Entries that are no jobs, on their way out. */
  readonly #settingAside = new Set<string>();

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Whether the node has this entry already, in whatever stage. */
  knows(messageId: string): boolean {
    const { held, outbox, writes } = this.#options;
    return (
      held.ofMessage(messageId) !== undefined ||
      outbox.hasMessage(messageId) ||
      writes.isAcknowledging(messageId) ||
      this.#settingAside.has(messageId)
    );
  }

  /** Takes entries in: each becomes a queued job, or ends here. Where Redis fails, it rejects, and what has not
   *  ended stays pending and unknown. */
  async take(entries: readonly StreamEntry[], earlier?: ReadonlyMap<string, EarlierDelivery>): Promise<void> {
    const candidates = entries.flatMap((entry) => {
      const candidate = this.#admit(entry, earlier?.get(entry.messageId));
      return candidate === undefined ? [] : [candidate];
    });
    if (candidates.length === 0) return;
    const asked = this.#redisStates(candidates);
    // Small circuits are read while Redis answers, and what else can be done already is done.
    this.#options.onComing(candidates.map(({ message }) => message.messageId));
    const circuits = candidates.map(({ job, message }) =>
      job.bytes < LARGE_BYTES ? readCircuit(message) : undefined,
    );
    try {
      const states = await asked;
      const elsewhere = await this.#runningElsewhere(candidates, states);
      for (const [i, candidate] of candidates.entries()) {
        const redisState = states[i];
        if (redisState === undefined || elsewhere.has(candidate)) continue;
        const circuit = circuits[i] ?? (await this.#slices.run(readCircuitInSteps(candidate.message)));
        this.#judge(candidate, redisState, circuit);
      }
    } finally {
      for (const { job } of candidates) if (job.stage === 'checking') this.#options.held.release(job);
    }
  }

  /** Reads the message and holds the job; undefined if there is nothing (more) to do for this entry. */
  #admit({ messageId, fields }: StreamEntry, earlier: EarlierDelivery | undefined): Candidate | undefined {
    if (this.#settingAside.has(messageId)) return undefined;
    const { held, outbox, writes } = this.#options;
    let message: JobMessage;
    try {
      message = parseMessage(messageId, fields);
    } catch (thrown) {
      void this.#setAside(messageId, fields, messageOf(thrown));
      return undefined;
    }
    // Known or not, the job says: a server that has lost its last entries may give their ids to others.
    const { jobId, callbackUrl } = message;
    const ending = outbox.done.find(jobId, messageId);
    if (ending !== undefined) {
      void writes.ended(ending);
      void writes.acknowledge([messageId]);
      return undefined;
    }
    const twin = held.get(jobId);
    if (twin !== undefined) {
      if (!twin.messageIds.includes(messageId)) held.addMessage(twin, messageId);
      return undefined;
    }
    if (outbox.has(jobId)) {
      outbox.adopt(jobId, messageId);
      return undefined;
    }
    const bytes = BYTES_PER_CHARACTER * fields.reduce((sum, field) => sum + field.length, 0);
    const job: HeldJob = {
      jobId,
      callbackUrl,
      messageIds: [messageId],
      bytes,
      heldSince: performance.now(),
      stage: 'checking',
    };
    held.add(job);
    return { job, message, fields, earlier };
  }

  #judge(candidate: Candidate, redisState: RedisState, circuit: Circuit): void {
    const { held, writes, onCancelled, onOutcome, onQueued, maxDeliveries } = this.#options;
    const { job, message, earlier } = candidate;
    // Cancelled, or given up, while it was checked.
    if (held.get(job.jobId) !== job) return;
    if (redisState.state === 'completed' || redisState.state === 'cancelled') {
      void writes.acknowledge(job.messageIds);
      held.release(job);
      return;
    }
    if (redisState.cancelled) {
      onCancelled(job);
      return;
    }
    const began = redisState.state === 'executing' && redisState.messageId === message.messageId;
    if (redisState.state === 'failed' && redisState.messageId === message.messageId) {
      // Another node ran it and died before the cloud heard of it.
      onOutcome(job, { status: 'failed', error: redisState.error ?? 'the job failed' });
      return;
    }
    if (earlier !== undefined && (earlier.interrupted || (earlier.takenOver && began))) {
      if (earlier.deliveries >= maxDeliveries) {
        this.#giveUp(candidate, earlier.deliveries);
        return;
      }
      this.#countDelivery(message.messageId, earlier.deliveries + 1);
    }
    if ('fault' in circuit) {
      void writes.executing(job.jobId, message.messageId);
      onOutcome(job, { status: 'failed', error: circuit.fault });
      return;
    }
    held.enqueue(job, circuit);
    onQueued();
  }

  /** A job that was begun again and again without an outcome takes the node down, or hangs it. */
  #giveUp({ job, message, fields }: Candidate, deliveries: number): void {
    const { spool, log, onOutcome } = this.#options;
    const error = `the job was started ${deliveries} times without an outcome; it is not tried again`;
    log.error(`job ${job.jobId}: ${error}`);
    onOutcome(job, { status: 'failed', error });
    // For the operator; what the cloud hears does not wait for it.
    recordDeadLetter(spool, message.messageId, fields, error).catch((thrown: unknown) =>
      log.error(`no dead-letter record of job ${job.jobId}: ${messageOf(thrown)}`),
    );
  }

  #countDelivery(messageId: string, deliveries: number): void {
    const { stream, redis, log } = this.#options;
    stream
      .setDeliveries(redis, messageId, deliveries)
      .catch((thrown: unknown) =>
        log.warn(`the delivery count of ${messageId} is not kept: ${messageOf(thrown)}`),
      );
  }

  async #setAside(messageId: string, fields: readonly string[], reason: string): Promise<void> {
    const { spool, log, writes } = this.#options;
    log.error(`${reason}; it is set aside and acknowledged`, { message_id: messageId });
    this.#settingAside.add(messageId);
    try {
      await recordDeadLetter(spool, messageId, fields, reason);
      await writes.acknowledge([messageId]);
    } catch (thrown) {
      log.error(`message ${messageId} stays pending, since it cannot be set aside: ${messageOf(thrown)}`);
    } finally {
      this.#settingAside.delete(messageId);
    }
  }

  /** Jobs that another message has brought to another node, which runs them. This message waits for their outcome:
   *  it stays pending, and every sweep looks at it again. */
  async #runningElsewhere(
    candidates: readonly Candidate[],
    states: readonly RedisState[],
  ): Promise<ReadonlySet<Candidate>> {
    const twins = candidates.flatMap((candidate, i) => {
      const { state = null, messageId = null } = states[i] ?? {};
      const isTwin = state === 'executing' && messageId !== null && messageId !== candidate.message.messageId;
      return isTwin ? [{ candidate, messageId }] : [];
    });
    if (twins.length === 0) return new Set();
    const { redis, stream } = this.#options;
    const holders = await stream.holders(
      redis,
      twins.map(({ messageId }) => messageId),
    );
    const isElsewhere = (_: unknown, i: number): boolean =>
      ![undefined, stream.consumer].includes(holders[i]);
    return new Set(twins.filter(isElsewhere).map(({ candidate }) => candidate));
  }

  async #redisStates(candidates: readonly Candidate[]): Promise<RedisState[]> {
    const { redis, log } = this.#options;
    const cancelKeys = candidates.map(({ job }) => cancelKey(job.jobId));
    const [any, ...statuses] = await repliesOf(redis, [
      // One command for all: hardly ever is one of them set.
      ['exists', ...cancelKeys],
      ...candidates.map(({ job }): RedisCommand => [
        'hmget',
        statusKey(job.jobId),
        'state',
        'message_id',
        'error',
      ]),
    ]);
    const eachExists = cancelKeys.map((key): RedisCommand => ['exists', key]);
    const isCancelled = any?.[1] === 0 ? [] : await repliesOf(redis, eachExists);
    return candidates.map(({ job }, i) => {
      const [statusError, status] = statuses[i] ?? [];
      const [cancelError, exists] = isCancelled[i] ?? [];
      const error = statusError ?? cancelError;
      // What may pass, such as a server that still loads, leaves the jobs pending: they may be done already.
      if (error && !/^(WRONGTYPE|NOPERM)/.test(error.message)) throw error;
      if (error)
        log.warn(`the status of job ${job.jobId} cannot be read, it is taken as new: ${error.message}`);
      const [state = null, messageId = null, failure = null] = Array.isArray(status) ? status : [];
      return { state, messageId, error: failure, cancelled: exists === 1 };
    });
  }
}

/** As `sendTogether`, but a lost connection rejects: what may be done already must not be taken as new. */
async function repliesOf(redis: Redis, commands: readonly RedisCommand[]): Promise<RedisReply[]> {
  const replies = await sendTogether(redis, commands);
  const lost = replies.find(([error]) => isConnectionFault(error))?.[0];
  if (lost) throw lost;
  return replies;
}

type Circuit = QueuedJob['circuit'] | { readonly fault: string };

function readCircuit({ shots, irJson }: JobMessage): Circuit {
  try {
    return { shots: parseShots(shots), ir: parseIr(irJson) };
  } catch (thrown) {
    return { fault: messageOf(thrown) };
  }
}

/** As `readCircuit`, for a large one. */
function* readCircuitInSteps({ shots, irJson }: JobMessage): Generator<undefined, Circuit> {
  try {
    return { shots: parseShots(shots), ir: yield* parseIrInSteps(irJson) };
  } catch (thrown) {
    return { fault: messageOf(thrown) };
  }
}
