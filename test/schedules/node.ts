// A node of a world: its disk, and the job pipeline of its present life. All code of the pipeline is the real one.
import type { Redis } from 'ioredis';
import { defaultSettings, type Settings } from '../../src/config/settings.ts';
import type { BatchJob, ExecutionResult, Executor, RunContext } from '../../src/device/executor.ts';
import { openOutbox } from '../../src/jobs/open-jobs.ts';
import { JobPipeline } from '../../src/jobs/pipeline.ts';
import { Admission } from '../../src/kernel/admission.ts';
import type { Delivery } from '../../src/outbox/delivery.ts';
import type { Outbox } from '../../src/outbox/outbox.ts';
import { groupName, streamKey } from '../../src/protocol/keys.ts';
import type { Disk } from './disk.ts';
import { Host, type HostWorld } from './host.ts';
import { hooksWith, logTo, SLOW_TAPS, type Feature, type Work } from './plugins.ts';
import { RedisClient, type Wire } from './redis-client.ts';
import { ROOT } from './stage.ts';

const QPU = 'qpu';
export const STREAM = streamKey(QPU);
export const GROUP = groupName(QPU);
export const LEASE_MS = 3_000;
export const MAX_DELIVERIES = 2;

const SETTINGS: Settings = {
  ...defaultSettings(),
  qpuId: QPU,
  leaseSec: LEASE_MS / 1000,
  maxDeliveries: MAX_DELIVERIES,
  webhookMaxRetryDelaySec: 4,
  outboxMaxJobs: 3,
};

/** What a life needs of its world. */
export interface Surroundings {
  readonly hasCopies: boolean;
  readonly isSpread: boolean;
  run(life: NodeLife, context: RunContext): Promise<ExecutionResult>;
  runBatch(life: NodeLife, jobIds: readonly string[], signal: AbortSignal): Promise<ExecutionResult[]>;
  hostOf(life: NodeLife): HostWorld;
  /** A plugin takes its time with a job. */
  works(life: NodeLife, how: Work, jobId: string): Promise<void>;
  post(life: NodeLife, jobId: string, body: string): Promise<Delivery>;
  wireOf(life: NodeLife): Wire;
  log(life: NodeLife, line: string): void;
}

/** From a start to a death. */
export class NodeLife {
  readonly node: string;
  readonly disk: Disk;
  readonly clients: RedisClient[] = [];
  readonly exitListeners: (() => void)[] = [];
  pipeline: JobPipeline | undefined;
  outbox: Outbox | undefined;
  /** It drains, or has drained. */
  isDraining = false;
  /** When it was last cut off, or had no Redis. */
  troubleAt = -Infinity;
  /** Ends what runs, together with the executor. */
  killRun: () => void = () => {};
  readonly #surroundings: Surroundings;
  readonly #features: readonly Feature[];

  constructor(node: string, disk: Disk, surroundings: Surroundings, features: readonly Feature[]) {
    this.node = node;
    this.disk = disk;
    this.#surroundings = surroundings;
    this.#features = features;
  }

  /** As src/node.ts does it. Rejects if the disk does not let it start. */
  async start(wrap: (outbox: Outbox) => Outbox = (outbox) => outbox): Promise<void> {
    const directory = `${ROOT}/${this.node}`;
    const admission = new Admission();
    const log = logTo((line) => this.#surroundings.log(this, line));
    const outbox = (this.outbox = wrap(await openOutbox(directory, SETTINGS, admission, log)));
    const wire = this.#surroundings.wireOf(this);
    this.pipeline = new JobPipeline({
      settings: { ...SETTINGS, outcomeCopy: this.#surroundings.hasCopies },
      qpuId: QPU,
      consumer: this.node,
      directory,
      outbox,
      admission,
      loaded: { executor: this.#executor(), source: 'the schedule' },
      hooks: hooksWith(this.#features),
      busyTaps: SLOW_TAPS.busy,
      log,
      openRedis: (name) => {
        const client = new RedisClient(`${this.node}.${name}`, wire);
        this.clients.push(client);
        if (this.#surroundings.isSpread && name === 'jobs') {
          const shard = new RedisClient(`${this.node}.shard`, wire);
          this.clients.push(shard);
          client.spreadTo(shard);
        }
        return client as unknown as Redis;
      },
    });
    this.pipeline.start();
  }

  /** As `coda stop` does it. */
  async drain(handsBack: boolean): Promise<readonly string[]> {
    this.isDraining = true;
    const { pipeline, outbox } = this;
    if (pipeline === undefined || outbox === undefined) return [];
    await pipeline.drain(2_000);
    const handedOver = handsBack ? await this.#handBack(pipeline) : [];
    pipeline.close();
    await outbox.close();
    return handedOver;
  }

  async #handBack(pipeline: JobPipeline): Promise<readonly string[]> {
    try {
      return (await pipeline.handBack('original')).handedOver;
    } catch (thrown) {
      // Redis may be gone, or has forgotten that consumer; all else is a mistake here.
      if (thrown instanceof TypeError) throw thrown;
      return [];
    }
  }

  post(jobId: string, body: string): Promise<Delivery> {
    return this.#surroundings.post(this, jobId, body);
  }

  works(how: Work, jobId: string): Promise<void> {
    return this.#surroundings.works(this, how, jobId);
  }

  runBatch(jobs: readonly BatchJob[], { signal }: RunContext): Promise<ExecutionResult[]> {
    return this.#surroundings.runBatch(
      this,
      jobs.map(({ jobId }) => jobId),
      signal,
    );
  }

  #executor(): Executor {
    if (!this.#features.includes('starts'))
      return { run: (_ir, _shots, context) => this.#surroundings.run(this, context) };
    const host = new Host(this.#surroundings.hostOf(this));
    this.killRun = () => host.die();
    return {
      run: (_ir, _shots, { jobId, signal }) => host.run(jobId, signal),
      upcoming: () => {},
      ownStart: host,
    };
  }
}
