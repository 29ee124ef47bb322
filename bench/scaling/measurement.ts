// Jobs a second of several nodes, with several values of `concurrency` and on clusters of several shards: real processes on
// one stream, beside Redis and the cloud. A measurement counts only if each job was delivered once and is acknowledged.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bell, startLocalCloud, waitUntil, within, type LocalCloud } from '../../src/testing/index.ts';
import { cpuMs } from '../lab/proc.ts';
import { groupOf, streamOf } from '../lab/wire.ts';
import { CPU_MS, TIMER_MS } from './executor.ts';
import { Sink } from './sink.ts';
import { openServers, type Servers } from './servers.ts';
import type { Configuration, Figure, Kind, Machine, Measurement, ShardFigure } from './table.ts';

/** Of this machine, before anything is measured. */
const [loadBefore = NaN] = loadavg();
const NODES = [1, 2, 4] as const;
const CONCURRENCY = [1, 4, 16] as const;
const SHARDS = [0, 1, 3] as const;
const NODES_AT_SHARDS = [1, 2, 5, 20] as const;
/** For the figures of shards. */
const CONCURRENCY_AT_SHARDS = 4;
/** Jobs waiting all the time: what the executors could do in half a second, and more than the nodes take ahead. */
const [WAITING_S, WAITING_PER_RUN] = [0.5, 8] as const;
const CHUNK = 500;
const LATE_MS = 120_000;
const FACTORY: Record<Kind, string> = { timer: 'createTimer', cpu: 'createCpu' };

/** How long each configuration is measured, whatever its rate. */
export interface Duration {
  /** For each node, while it has a core. Not measured: the first jobs run code that is not compiled yet. */
  readonly warmMs: number;
  readonly windowMs: number;
}

export const FULL: Duration = { warmMs: 1_500, windowMs: 8_000 };
export const QUICK: Duration = { warmMs: 100, windowMs: 700 };

/** Nodes with different `concurrency`, on one server. Throws if a job was lost or delivered twice. */
export async function measureConcurrency(
  duration: Duration,
  onFigure: (figure: Figure) => void,
): Promise<Measurement<Figure>> {
  const bench = await Bench.open(0, duration);
  try {
    const figures: Figure[] = [];
    for (const kind of ['timer', 'cpu'] as const) {
      for (const nodes of NODES) {
        for (const concurrency of CONCURRENCY) {
          await bench.runDown([{ kind, nodes, concurrency }], ({ jobsPerSecond, ideal: most }) => {
            const figure = { kind, nodes, concurrency, jobsPerSecond, ideal: most };
            figures.push(figure);
            onFigure(figure);
          });
        }
      }
    }
    return { machine: { ...(await bench.machine()), loadBefore }, figures };
  } finally {
    await bench.close();
  }
}

/** Nodes on one server, and on clusters. Throws if a job was lost or delivered twice. */
export async function measureShards(
  duration: Duration,
  onFigure: (figure: ShardFigure) => void,
): Promise<Measurement<ShardFigure>> {
  const figures: ShardFigure[] = [];
  let machine: Omit<Machine, 'loadBefore'> | undefined;
  for (const shards of SHARDS) {
    const bench = await Bench.open(shards, duration);
    try {
      machine ??= await bench.machine();
      const configurations = NODES_AT_SHARDS.map((nodes): Configuration => ({
        kind: 'timer',
        nodes,
        concurrency: CONCURRENCY_AT_SHARDS,
      }));
      const measured: ShardFigure[] = [];
      await bench.runDown(configurations, (figure) => {
        measured.unshift({ ...figure, shards });
        onFigure({ ...figure, shards });
      });
      figures.push(...measured);
    } finally {
      await bench.close();
    }
  }
  if (machine === undefined) throw new Error('nothing was measured');
  return { machine: { ...machine, loadBefore }, figures };
}

/** The rate that the executors alone would allow, limited by the concurrency or by the cores. */
function ideal({ kind, nodes, concurrency }: Configuration): number {
  return kind === 'timer'
    ? (nodes * concurrency * 1000) / TIMER_MS
    : (Math.min(nodes, cpus().length) * 1000) / CPU_MS;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}

/** Milliseconds, to the hundredth. */
function perJob(ms: number, jobs: number): number {
  return Math.round((100 * ms) / jobs) / 100;
}

/** Of one configuration, with its cost. */
type CostFigure = Omit<ShardFigure, 'shards'>;

async function end(nodes: readonly ChildProcess[]): Promise<void> {
  for (const node of nodes) {
    node.kill('SIGKILL');
    if (node.exitCode === null && node.signalCode === null) await once(node, 'exit');
  }
}

class Bench {
  readonly #cloud: LocalCloud;
  readonly #servers: Servers;
  readonly #sink: Sink;
  readonly #folder: string;
  readonly #duration: Duration;
  readonly #nodes: ChildProcess[] = [];
  #submitted = 0;

  private constructor(servers: Servers, cloud: LocalCloud, sink: Sink, folder: string, duration: Duration) {
    this.#servers = servers;
    this.#cloud = cloud;
    this.#sink = sink;
    this.#folder = folder;
    this.#duration = duration;
    process.on('exit', this.#onExit);
  }

  /** Also when a signal ends this process in the middle. */
  readonly #onExit = (): void => {
    for (const node of this.#nodes) node.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  };

  static async open(shards: number, duration: Duration): Promise<Bench> {
    const folder = await mkdtemp(join(tmpdir(), 'coda-bench-'));
    const servers = await openServers(shards);
    const cloud = await startLocalCloud({ redisUrl: servers.url });
    return new Bench(servers, cloud, await Sink.open(), folder, duration);
  }

  /** Measures them from the last to the first, which need fewer and fewer of the same nodes. */
  async runDown(
    configurations: readonly Configuration[],
    onFigure: (figure: CostFigure) => void,
  ): Promise<void> {
    for (const configuration of configurations.toReversed()) {
      await end(this.#nodes.splice(configuration.nodes));
      await this.#startNodes(configuration);
      onFigure(await this.#measure(configuration));
    }
    await end(this.#nodes.splice(0));
  }

  /** Keeps jobs waiting for as long as that takes, and looks at the time in the middle. */
  async #measure(configuration: Configuration): Promise<CostFigure> {
    const expected = ideal(configuration);
    const waiting = Math.ceil(
      Math.max(expected * WAITING_S, configuration.nodes * configuration.concurrency * WAITING_PER_RUN),
    );
    const look = (): { at: number; jobs: number; nodes: number; redis: number } => ({
      at: performance.now(),
      jobs: this.#sink.received,
      nodes: sum(this.#nodes.map(({ pid = 0 }) => cpuMs(pid))),
      redis: sum(this.#servers.pids.map(cpuMs)),
    });
    const { warmMs, windowMs } = this.#duration;
    await this.#keepWaiting(waiting, warmMs * Math.ceil(configuration.nodes / cpus().length));
    const before = look();
    await this.#keepWaiting(waiting, windowMs);
    const after = look();
    await this.#finish();
    const jobs = after.jobs - before.jobs;
    return {
      ...configuration,
      jobsPerSecond: Math.round((jobs * 1000) / (after.at - before.at)),
      ideal: Math.round(expected),
      nodeMs: perJob(after.nodes - before.nodes, jobs),
      redisMs: perJob(after.redis - before.redis, jobs),
    };
  }

  async machine(): Promise<Omit<Machine, 'loadBefore'>> {
    const [, redis = ''] = /redis_version:(\S+)/.exec(await this.#servers.client.info('server')) ?? [];
    return { cores: cpus().length, node: process.versions.node, redis };
  }

  async close(): Promise<void> {
    await end(this.#nodes);
    this.#sink.close();
    await this.#cloud.close();
    await this.#servers.close();
    this.#onExit();
    process.off('exit', this.#onExit);
  }

  /** Submits a job for each that has ended, so that this many are waiting or running: for this long, and until one has ended. */
  async #keepWaiting(jobs: number, forMs: number): Promise<void> {
    const before = this.#sink.received;
    const [from, late] = [performance.now(), performance.now() + LATE_MS];
    while (performance.now() < from + forMs || this.#sink.received === before) {
      if (performance.now() > late) throw new Error(`no result within ${LATE_MS / 1000} s`);
      const missing = jobs - (this.#submitted - this.#sink.received);
      if (missing >= Math.min(CHUNK, jobs / 4)) await this.#submit(Math.min(CHUNK, missing));
      else await sleep(5);
    }
  }

  async #submit(count: number): Promise<void> {
    const stream = streamOf(this.#cloud.qpuId);
    const circuit = JSON.stringify(bell('cz').ir);
    const pipeline = this.#servers.client.pipeline();
    for (let i = 0; i < count; i += 1) {
      const fields = ['callback_url', this.#sink.url, 'ir_json', circuit, 'shots', '100'];
      pipeline.call('XADD', stream, '*', 'job_id', `job-${(this.#submitted += 1)}`, ...fields);
    }
    const answers = await within('an answer of Redis', pipeline.exec(), LATE_MS);
    for (const [error] of answers ?? []) if (error !== null) throw error;
  }

  /** Resolves when every job has been delivered and acknowledged. Throws if one was delivered twice. */
  async #finish(): Promise<void> {
    const isDone = (): boolean => this.#sink.received >= this.#submitted;
    await waitUntil('every result', isDone, { timeoutMs: LATE_MS });
    const [stream, group] = [streamOf(this.#cloud.qpuId), groupOf(this.#cloud.qpuId)];
    await waitUntil('every acknowledgement', async () => {
      const [pending] = await this.#servers.client.xpending(stream, group);
      return pending === 0;
    });
    const { received } = this.#sink;
    if (received !== this.#submitted) throw new Error(`${received} results of ${this.#submitted} jobs`);
  }

  /** Two at a time: a machine with few cores starts twenty no faster. */
  async #startNodes(configuration: Configuration): Promise<void> {
    while (this.#nodes.length < configuration.nodes) {
      const count = Math.min(2, configuration.nodes - this.#nodes.length);
      await Promise.all(Array.from({ length: count }, () => this.#startNode(configuration)));
    }
  }

  async #startNode({ kind, nodes, concurrency }: Configuration): Promise<void> {
    const executor = join(import.meta.dirname, 'executor.js');
    const stateDir = join(this.#folder, `${kind}-${nodes}-${concurrency}-${this.#nodes.length}`);
    mkdirSync(stateDir, { mode: 0o700 });
    const child = spawn(process.execPath, [join(import.meta.dirname, '../../src/cli/main.js'), 'start'], {
      cwd: stateDir,
      env: {
        PATH: process.env['PATH'] ?? '',
        CODA_WEBAPP_URL: this.#cloud.url,
        CODA_NODE_TOKEN: this.#cloud.issueToken(),
        CODA_STATE_DIR: stateDir,
        CODA_HOST: '127.0.0.1',
        CODA_PORT: '0',
        CODA_CONCURRENCY: String(concurrency),
        CODA_EXECUTOR_FACTORY: `${executor}:${FACTORY[kind]}`,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#nodes.push(child);
    let output = '';
    for (const pipe of [child.stdout, child.stderr])
      pipe.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const isReading = (): boolean => {
      if (child.exitCode !== null) throw new Error(`a node ended:\n${output}`);
      return output.includes('reading jobs');
    };
    await waitUntil('a node reading jobs', isReading, { timeoutMs: LATE_MS });
  }
}
