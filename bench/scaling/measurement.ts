// Jobs a second of several nodes, with several values of `concurrency` and on clusters of several shards: real processes on
// one stream, beside Redis and the cloud. A measurement counts only if each job was delivered once and is acknowledged.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { bell, startLocalCloud, waitUntil, within, type LocalCloud } from '../../src/testing/index.ts';
import { cpuMs } from '../lab/proc.ts';
import { groupOf, streamOf } from '../lab/wire.ts';
import { CPU_MS, TIMER_MS } from './executor.ts';
import { Sink } from './sink.ts';
import { openServers, type Servers } from './servers.ts';
import type { Configuration, Figure, Kind, ShardFigure } from './table.ts';

const NODES = [1, 2, 4] as const;
const CONCURRENCY = [1, 4, 16] as const;
const SHARDS = [0, 1, 3] as const;
const NODES_AT_SHARDS = [1, 2, 5, 20] as const;
/** For the figures of shards. */
const CONCURRENCY_AT_SHARDS = 4;
/** How long a configuration takes at its ideal rate. */
const IDEAL_MS = 2_500;
const LATE_MS = 60_000;
const FACTORY: Record<Kind, string> = { timer: 'createTimer', cpu: 'createCpu' };

export interface Machine {
  readonly cores: number;
  readonly node: string;
  readonly redis: string;
  /** Of the minute before. Above 0.3 or so, something else was running. */
  readonly loadBefore?: number;
}

export interface Measurement<F> {
  readonly machine: Machine;
  readonly figures: readonly F[];
}

/** Each part with the machine on which it was taken. */
export interface Results {
  readonly concurrency: Measurement<Figure>;
  /** Absent until they are taken on a machine that does nothing else. */
  readonly shards?: Measurement<ShardFigure>;
}

/** Nodes with different `concurrency`, on one server. Throws if a job was lost or delivered twice. */
export async function measureConcurrency(onFigure: (figure: Figure) => void): Promise<Measurement<Figure>> {
  const [loadBefore = NaN] = loadavg();
  const bench = await Bench.open(0);
  try {
    const figures: Figure[] = [];
    for (const kind of ['timer', 'cpu'] as const) {
      for (const nodes of NODES) {
        for (const concurrency of CONCURRENCY) {
          const { nodeMs: _, redisMs: __, ...figure } = await bench.run({ kind, nodes, concurrency });
          figures.push(figure);
          onFigure(figure);
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
  onFigure: (figure: ShardFigure) => void,
): Promise<Measurement<ShardFigure>> {
  const [loadBefore = NaN] = loadavg();
  const figures: ShardFigure[] = [];
  let machine: Omit<Machine, 'loadBefore'> | undefined;
  for (const shards of SHARDS) {
    const bench = await Bench.open(shards);
    try {
      machine ??= await bench.machine();
      const configurations = NODES_AT_SHARDS.map((nodes): Configuration => ({
        kind: 'timer',
        nodes,
        concurrency: CONCURRENCY_AT_SHARDS,
      }));
      for (const figure of await bench.runDown(configurations)) {
        figures.push({ ...figure, shards });
        onFigure({ ...figure, shards });
      }
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
  #jobs = 0;

  private constructor(servers: Servers, cloud: LocalCloud, sink: Sink, folder: string) {
    this.#servers = servers;
    this.#cloud = cloud;
    this.#sink = sink;
    this.#folder = folder;
  }

  static async open(shards: number): Promise<Bench> {
    const folder = await mkdtemp(join(tmpdir(), 'coda-bench-'));
    const servers = await openServers(shards);
    return new Bench(servers, await startLocalCloud({ redisUrl: servers.url }), await Sink.open(), folder);
  }

  async run(configuration: Configuration): Promise<CostFigure> {
    const [figure] = await this.runDown([configuration]);
    if (figure === undefined) throw new Error('nothing was measured');
    return figure;
  }

  /** Measures them from the last to the first, which need fewer and fewer of the same nodes; returns them in their order. */
  async runDown(configurations: readonly Configuration[]): Promise<CostFigure[]> {
    const figures: CostFigure[] = [];
    const nodes: ChildProcess[] = [];
    try {
      for (const configuration of configurations.toReversed()) {
        await end(nodes.splice(configuration.nodes));
        await this.#startNodes(configuration, nodes);
        figures.unshift(await this.#measure(configuration, nodes));
      }
      return figures;
    } finally {
      await end(nodes);
    }
  }

  async #measure(configuration: Configuration, nodes: readonly ChildProcess[]): Promise<CostFigure> {
    const expected = ideal(configuration);
    const count = Math.ceil((expected * IDEAL_MS) / 1000);
    // The first jobs run code that is not compiled yet.
    await this.#deliver(count >> 2);
    const cpu = (): { readonly nodes: number; readonly redis: number } => ({
      nodes: sum(nodes.map(({ pid = 0 }) => cpuMs(pid))),
      redis: sum(this.#servers.pids.map(cpuMs)),
    });
    const before = cpu();
    const rate = await this.#deliver(count);
    const after = cpu();
    return {
      ...configuration,
      jobsPerSecond: Math.round(rate),
      ideal: Math.round(expected),
      nodeMs: perJob(after.nodes - before.nodes, count),
      redisMs: perJob(after.redis - before.redis, count),
    };
  }

  async machine(): Promise<Omit<Machine, 'loadBefore'>> {
    const [, redis = ''] = /redis_version:(\S+)/.exec(await this.#servers.client.info('server')) ?? [];
    return { cores: cpus().length, node: process.versions.node, redis };
  }

  async close(): Promise<void> {
    this.#sink.close();
    await this.#cloud.close();
    await this.#servers.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Submits `count` jobs; resolves with the rate of their results. */
  async #deliver(count: number): Promise<number> {
    const stream = streamOf(this.#cloud.qpuId);
    const circuit = JSON.stringify(bell('cz').ir);
    const done = this.#sink.expect(count);
    for (let submitted = 0; submitted < count;) {
      const pipeline = this.#servers.client.pipeline();
      for (let i = 0; i < 500 && submitted < count; i += 1, submitted += 1) {
        const fields = ['callback_url', this.#sink.url, 'ir_json', circuit, 'shots', '100'];
        pipeline.call('XADD', stream, '*', 'job_id', `job-${(this.#jobs += 1)}`, ...fields);
      }
      await pipeline.exec();
    }
    const rate = await within('every result', done, LATE_MS);
    const group = groupOf(this.#cloud.qpuId);
    await waitUntil('every acknowledgement', async () => {
      const [pending] = await this.#servers.client.xpending(stream, group);
      return pending === 0;
    });
    if (this.#sink.received !== count) throw new Error(`${this.#sink.received} results of ${count} jobs`);
    return rate;
  }

  /** Adds the processes to `started`. Two at a time: a machine with few cores starts twenty no faster. */
  async #startNodes(configuration: Configuration, started: ChildProcess[]): Promise<void> {
    while (started.length < configuration.nodes) {
      const count = Math.min(2, configuration.nodes - started.length);
      await Promise.all(Array.from({ length: count }, () => this.#startNode(configuration, started)));
    }
  }

  async #startNode({ kind, nodes, concurrency }: Configuration, started: ChildProcess[]): Promise<void> {
    const executor = join(import.meta.dirname, 'executor.js');
    const stateDir = join(this.#folder, `${kind}-${nodes}-${concurrency}-${started.length}`);
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
    started.push(child);
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
