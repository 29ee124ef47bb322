// Jobs a second of 1, 2 and 4 nodes with `concurrency` 1, 4 and 16: real processes on one stream, beside Redis and the
// cloud. A measurement counts only if each job was delivered once and is acknowledged.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { bell, startLocalCloud, waitUntil, within, type LocalCloud } from '../../src/testing/index.ts';
import { groupOf, streamOf } from '../lab/wire.ts';
import { CPU_MS, TIMER_MS } from './executor.ts';
import { Sink } from './sink.ts';
import type { Configuration, Figure, Kind } from './table.ts';

const NODES = [1, 2, 4] as const;
const CONCURRENCY = [1, 4, 16] as const;
/** How long a configuration takes at its ideal rate. */
const IDEAL_MS = 2_500;
const LATE_MS = 60_000;
const FACTORY: Record<Kind, string> = { timer: 'createTimer', cpu: 'createCpu' };

export interface Measurement {
  readonly machine: { readonly cores: number; readonly node: string; readonly redis: string };
  readonly figures: readonly Figure[];
}

/** Runs all configurations, one after the other. Throws if a job was lost or delivered twice. */
export async function measure(onFigure: (figure: Figure) => void = () => {}): Promise<Measurement> {
  const bench = await Bench.open();
  try {
    const figures: Figure[] = [];
    for (const kind of ['timer', 'cpu'] as const) {
      for (const nodes of NODES) {
        for (const concurrency of CONCURRENCY) {
          const figure = await bench.run({ kind, nodes, concurrency });
          figures.push(figure);
          onFigure(figure);
        }
      }
    }
    return { machine: await bench.machine(), figures };
  } finally {
    await bench.close();
  }
}

/** The rate that the executors alone would allow, limited by the concurrency or by the cores. */
function ideal({ kind, nodes, concurrency }: Configuration): number {
  return kind === 'timer'
    ? (nodes * concurrency * 1000) / TIMER_MS
    : (Math.min(nodes, cpus().length) * 1000) / CPU_MS;
}

class Bench {
  readonly #cloud: LocalCloud;
  readonly #redis: Redis;
  readonly #sink: Sink;
  readonly #folder: string;
  #jobs = 0;

  private constructor(cloud: LocalCloud, sink: Sink, folder: string) {
    this.#cloud = cloud;
    this.#sink = sink;
    this.#folder = folder;
    this.#redis = new Redis(cloud.redisUrl);
  }

  static async open(): Promise<Bench> {
    const folder = await mkdtemp(join(tmpdir(), 'coda-bench-'));
    return new Bench(await startLocalCloud(), await Sink.open(), folder);
  }

  async run(configuration: Configuration): Promise<Figure> {
    const expected = ideal(configuration);
    const count = Math.ceil((expected * IDEAL_MS) / 1000);
    const nodes = await this.#startNodes(configuration);
    try {
      // The first jobs run code that is not compiled yet.
      await this.#deliver(count >> 2);
      const rate = await this.#deliver(count);
      return { ...configuration, jobsPerSecond: Math.round(rate), ideal: Math.round(expected) };
    } finally {
      for (const node of nodes) {
        node.kill('SIGKILL');
        if (node.exitCode === null && node.signalCode === null) await once(node, 'exit');
      }
    }
  }

  async machine(): Promise<Measurement['machine']> {
    const [, redis = ''] = /redis_version:(\S+)/.exec(await this.#redis.info('server')) ?? [];
    return { cores: cpus().length, node: process.versions.node, redis };
  }

  async close(): Promise<void> {
    this.#redis.disconnect();
    this.#sink.close();
    await this.#cloud.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Submits `count` jobs; resolves with the rate of their results. */
  async #deliver(count: number): Promise<number> {
    const stream = streamOf(this.#cloud.qpuId);
    const circuit = JSON.stringify(bell('cz').ir);
    const done = this.#sink.expect(count);
    for (let submitted = 0; submitted < count;) {
      const pipeline = this.#redis.pipeline();
      for (let i = 0; i < 500 && submitted < count; i += 1, submitted += 1) {
        const fields = ['callback_url', this.#sink.url, 'ir_json', circuit, 'shots', '100'];
        pipeline.call('XADD', stream, '*', 'job_id', `job-${(this.#jobs += 1)}`, ...fields);
      }
      await pipeline.exec();
    }
    const rate = await within('every result', done, LATE_MS);
    const group = groupOf(this.#cloud.qpuId);
    await waitUntil('every acknowledgement', async () => {
      const [pending] = await this.#redis.xpending(stream, group);
      return pending === 0;
    });
    if (this.#sink.received !== count) throw new Error(`${this.#sink.received} results of ${count} jobs`);
    return rate;
  }

  async #startNodes({ kind, nodes, concurrency }: Configuration): Promise<ChildProcess[]> {
    const executor = join(import.meta.dirname, 'executor.js');
    return Promise.all(
      Array.from({ length: nodes }, async (_, i) => {
        const stateDir = join(this.#folder, `${kind}-${nodes}-${concurrency}-${i}`);
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
        let output = '';
        for (const pipe of [child.stdout, child.stderr])
          pipe.on('data', (chunk: Buffer) => (output += chunk.toString()));
        await waitUntil('a node reading jobs', () => {
          if (child.exitCode !== null) throw new Error(`a node ended:\n${output}`);
          return output.includes('reading jobs');
        });
        return child;
      }),
    );
  }
}
