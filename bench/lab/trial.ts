// One measurement of one subject. It counts only if every job was delivered exactly once, with the right body, and
// nothing is left pending: `finish` throws otherwise.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { waitUntil, within } from '../../src/testing/index.ts';
import type { Mark } from './cloud-process.ts';
import { now } from './clock.ts';
import type { Lab } from './lab.ts';
import { Subject, type BareLoop, type ExecutorName, type SubjectName } from './subject.ts';
import { BELL, SHOTS } from './circuits.ts';
import { cancelOf, groupOf, statusOf, streamOf, WEBHOOK_PATH } from './wire.ts';

export interface TrialOptions {
  readonly subject: SubjectName;
  /** Null: none is named, and the node uses its default. */
  readonly executor: ExecutorName | null;
  /** Default `pipelined`. */
  readonly bareLoop?: BareLoop;
  /** Round trip to Redis and to the cloud. Default 0: as long as loopback takes. */
  readonly rttMs?: number;
  /** The subject's Redis user and password, in place of the default one's. */
  readonly redisUser?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** How long `finish` waits for the last webhook. */
  readonly timeoutMs?: number;
}

export interface StartOptions {
  /** Null if it has credentials from an earlier start. */
  readonly token?: string | null;
  readonly askEveryMs?: number;
}

/** Entries are added inside Redis, so that filling costs little. */
const FILL = `
for i = tonumber(ARGV[1]), tonumber(ARGV[2]) do
  redis.call('XADD', KEYS[1], '*', 'job_id', ARGV[3] .. '-' .. i, 'callback_url', ARGV[4], 'ir_json', ARGV[5], 'shots', ARGV[6])
end`;
/** How many of these jobs have the state `completed`. */
const COUNT_COMPLETED = `
local found = 0
for i = tonumber(ARGV[1]), tonumber(ARGV[2]) do
  if redis.call('HGET', 'qpu:job:' .. ARGV[3] .. '-' .. i .. ':status', 'state') == 'completed' then found = found + 1 end
end
return found`;
const CHUNK = 100_000;
const SHOWN_FAULTS = 5;

export class Trial {
  readonly name: SubjectName;
  readonly folder: string;
  readonly notes: string;
  /** Jobs in the stream so far. */
  submitted = 0;
  readonly #lab: Lab;
  readonly #id: string;
  readonly #options: TrialOptions;
  #subject: Subject | undefined;

  private constructor(lab: Lab, id: string, options: TrialOptions) {
    this.#lab = lab;
    this.#id = id;
    this.#options = options;
    this.name = options.subject;
    this.folder = join(lab.folder, id);
    this.notes = join(this.folder, 'notes');
    mkdirSync(this.folder, { mode: 0o700 });
  }

  /** A fresh start for one subject: an empty Redis, an empty state directory, a cloud without records. */
  static async open(lab: Lab, options: TrialOptions): Promise<Trial> {
    await lab.redis.flushall();
    const trial = new Trial(lab, lab.nextId(), options);
    await trial.begin();
    return trial;
  }

  /** Empties the cloud's records and makes it serve this trial. */
  async begin(): Promise<void> {
    const { redisUrl, origin } = await this.#route();
    await this.#lab.cloud.call('begin', {
      qpu_id: this.#id,
      qpu_display_name: 'bench',
      native_gate_set: 'cz',
      num_qubits: 20,
      redis_url: redisUrl,
      webapp_url: origin,
      jwt_private_key: this.#lab.key.pem,
      jwt_key_id: 'bench',
      vpn: { required: false },
    });
  }

  get subject(): Subject {
    if (this.#subject === undefined) throw new Error('the subject has not been started');
    return this.#subject;
  }

  /** Adds `count` jobs to the stream, up to 100,000 in one step: no job is read before the last of the step is there.
   *  Returns the time of the last step. */
  async fill(count: number, circuit = BELL): Promise<number> {
    const { redis } = this.#lab;
    const { origin } = await this.#route();
    const last = this.submitted + count;
    while (this.submitted < last) {
      const to = Math.min(this.submitted + CHUNK, last);
      await redis.eval(
        FILL,
        1,
        streamOf(this.#id),
        this.submitted + 1,
        to,
        this.#id,
        origin + WEBHOOK_PATH,
        circuit,
        SHOTS,
      );
      this.submitted = to;
    }
    return now();
  }

  /** Adds one job to the stream; returns its number and the time of sending. */
  async submit(): Promise<{ readonly number: number; readonly at: number; readonly jobId: string }> {
    const at = now();
    await this.fill(1);
    return { number: this.submitted, at, jobId: `${this.#id}-${this.submitted}` };
  }

  /** Sets a job's cancel key; returns the time of sending. */
  async cancel(jobId: string): Promise<number> {
    const at = now();
    await this.#lab.redis.set(cancelOf(jobId), '1');
    return at;
  }

  async stateOf(jobId: string): Promise<string | null> {
    return this.#lab.redis.hget(statusOf(jobId), 'state');
  }

  /** Spawns the subject; does not wait for it. */
  async start({ token = 'bench', askEveryMs = 20 }: StartOptions = {}): Promise<Subject> {
    const { redisUrl, origin } = await this.#route();
    const { subject: name, executor, bareLoop = 'pipelined' } = this.#options;
    this.#subject = await Subject.start({
      name,
      coda: this.#lab.package.coda,
      folder: this.folder,
      executor,
      bareLoop,
      python: this.#lab.original,
      askEveryMs,
      env: {
        CODA_WEBAPP_URL: origin,
        ...(token === null ? {} : { CODA_NODE_TOKEN: token }),
        BENCH_REDIS_URL: redisUrl,
        BENCH_QPU_ID: this.#id,
        BENCH_ORIGIN: origin,
        BENCH_JWT: this.#lab.key.jwt,
        BENCH_NOTES: this.notes,
        ...this.#options.env,
      },
    });
    return this.#subject;
  }

  /** Makes the cloud note the state of the subject at each of these numbers of webhooks. */
  async watch(...counts: readonly number[]): Promise<void> {
    await this.#lab.cloud.call('watch', { pid: this.subject.pid, counts });
  }

  marks(): Promise<readonly Mark[]> {
    return this.#lab.cloud.call('marks');
  }

  beats(): Promise<readonly number[]> {
    return this.#lab.cloud.call('beats');
  }

  /** Resolves when this many webhooks have arrived. Default: one for every job. */
  async delivered(count = this.submitted): Promise<void> {
    const reached = Promise.race([this.#lab.cloud.call('reached', count), this.subject.died]);
    try {
      await within(`${count} webhooks`, reached, this.#options.timeoutMs ?? 120_000);
    } catch (thrown) {
      const arrived = await this.#lab.cloud.call('count');
      throw new Error(
        `${String(thrown)}; ${arrived} arrived; ${this.name} said:\n${this.subject.output().slice(-2000)}`,
        { cause: thrown },
      );
    }
  }

  /** Stops the subject and checks all jobs; returns the time of each job's webhook, by its number. */
  async finish(): Promise<ReadonlyMap<number, number>> {
    await this.delivered();
    await this.settled();
    await this.subject.stop();
    const { faults, arrivedAt } = await this.#check();
    if (arrivedAt.size !== this.submitted)
      faults.push(`${arrivedAt.size} of ${this.submitted} jobs were delivered`);
    let completed = 0;
    for (let i = 1; i <= this.submitted; i += CHUNK) {
      const to = Math.min(i + CHUNK - 1, this.submitted);
      completed += Number(await this.#lab.redis.eval(COUNT_COMPLETED, 0, i, to, this.#id));
    }
    if (completed !== this.submitted)
      faults.push(`${completed} of ${this.submitted} jobs are completed in Redis`);
    this.#mustBeFaultless(faults);
    return arrivedAt;
  }

  /** As `finish`, in the middle of a long stream: each job that the subject has read is either delivered or pending,
   *  never both. */
  async finishEarly(): Promise<void> {
    await this.subject.stop();
    const { faults, arrivedAt } = await this.#check();
    const { redis } = this.#lab;
    const [stream, group] = [streamOf(this.#id), groupOf(this.#id)];
    const groups = (await redis.xinfo('GROUPS', stream)) as unknown[][];
    const last = String(groups[0]?.[(groups[0]?.indexOf('last-delivered-id') ?? 0) + 1]);
    const numberOf = (fields: readonly string[]): number => Number(fields[1]?.slice(this.#id.length + 1));
    const [[, lastFields] = ['', []]] = await redis.xrange(stream, last, last);
    const pending = (await redis.xpending(stream, group, '-', '+', this.submitted)) as [
      string,
      ...unknown[],
    ][];
    for (const [messageId] of pending) {
      const [[, fields] = ['', []]] = await redis.xrange(stream, messageId, messageId);
      if (arrivedAt.has(numberOf(fields))) faults.push(`${fields[1]} was delivered and is pending`);
    }
    const read = numberOf(lastFields);
    if (read !== arrivedAt.size + pending.length) {
      faults.push(`${read} jobs were read, ${arrivedAt.size} delivered, and ${pending.length} are pending`);
    }
    this.#mustBeFaultless(faults);
  }

  /** As `finish`, for trials in which every job was cancelled: no job may be delivered. */
  async finishCancelled(): Promise<void> {
    await this.settled();
    await this.subject.stop();
    const { faults, arrivedAt } = await this.#check();
    if (arrivedAt.size > 0) faults.push(`${arrivedAt.size} cancelled jobs were delivered`);
    for (let i = 1; i <= this.submitted; i++) {
      const state = await this.stateOf(`${this.#id}-${i}`);
      if (state !== 'cancelled') faults.push(`the cancelled job ${this.#id}-${i} is '${state}'`);
    }
    this.#mustBeFaultless(faults);
  }

  /** Waits until nothing is pending. */
  async settled(): Promise<void> {
    await waitUntil('every acknowledgement', async () => {
      const [pending] = await this.#lab.redis.xpending(streamOf(this.#id), groupOf(this.#id));
      return Number(pending) === 0;
    });
  }

  /** Kills the subject if it still runs. */
  async abandon(): Promise<void> {
    await this.#subject?.kill();
  }

  #check(): Promise<{ readonly faults: string[]; readonly arrivedAt: ReadonlyMap<number, number> }> {
    return this.#lab.cloud.call('check', {
      prefix: this.#id,
      count: this.submitted,
      outcome: '00',
      shots: SHOTS,
    });
  }

  #mustBeFaultless(faults: readonly string[]): void {
    if (faults.length === 0) return;
    const shown = faults.slice(0, SHOWN_FAULTS).join('; ');
    throw new Error(`this measurement of ${this.name} does not count: ${shown} (${faults.length} faults)`);
  }

  async #route(): Promise<{ redisUrl: string; origin: string }> {
    const { rttMs = 0, redisUser } = this.#options;
    const route = await this.#lab.route(rttMs);
    if (redisUser === undefined) return route;
    return { ...route, redisUrl: route.redisUrl.replace(/\/\/[^@]*@/, `//${redisUser}@`) };
  }
}
