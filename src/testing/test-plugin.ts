// Plays jobs through the hooks of a node in memory: the real kernel, job table, runner and checks, and the built-in plugins
// that need neither Redis nor a network nor a disk. What passes here passes in a node.
import type { GivenPlugin, OnePlugin, OptionsFor } from '../config/define.ts';
import { givenPlugins } from '../config/plugins/load.ts';
import { defaultSettings, type Settings } from '../config/settings.ts';
import type { ModuleLoader } from '../config/modules.ts';
import { ConfigError, JobError } from '../errors.ts';
import type { ConnectRequest } from '../hooks.ts';
import { isTapped } from '../kernel/tap.ts';
import { bell } from '../local-cloud/circuits.ts';
import { DEFAULT_WAIT_MS } from '../local-cloud/wait.ts';
import { createLogger, type Logger } from '../log.ts';
import type { HttpRequest } from '../net/http.ts';
import { endsWithin, Waiters } from '../net/timing.ts';
import { Node, type NodeParts } from '../node.ts';
import type { CodaNode, Plugin } from '../plugin.ts';
import { TestCloud, type Answering } from './in-memory/cloud.ts';
import { testDevice, type TestExecutor } from './in-memory/device.ts';
import { MemoryPipeline } from './in-memory/pipeline.ts';
import { Playing, sumOf, type PlayedJob, type TestJob } from './in-memory/playing.ts';

/** A job, or what to do once all jobs before it have ended: set a clock, look at the node. */
export type TestStep = TestJob | ((node: CodaNode) => unknown);

export interface TestPluginOptions<P = OnePlugin> {
  /** Those of the plugin, as in a configuration. Paths start at the working directory. */
  readonly options?: OptionsFor<P>;
  /** Taken in one after another, without waiting for their ends. Default: one job. */
  readonly jobs?: readonly TestStep[];
  /** Default: the executor of a plugin, else one that measures zeros. */
  readonly executor?: TestExecutor;
  /** In place of the defaults, for example `{ hookTimeoutSec: 0.05 }`. */
  readonly settings?: Partial<Settings>;
  /** What `node.env` holds. */
  readonly env?: NodeJS.ProcessEnv;
  /** Applied after the plugin; one with options as `[plugin, { … }]`. */
  readonly plugins?: readonly GivenPlugin[];
  /** Answers what plugins request with `node.http`. Default: nothing can be reached. */
  readonly http?: Answering;
  /** How long all of it may take. Default 30,000. */
  readonly timeoutMs?: number;
}

export interface PlayedPlugin {
  /** In the order in which they were taken in. */
  readonly jobs: readonly PlayedJob[];
  /** The lines of the log, from debug on. */
  readonly log: readonly string[];
  /** What plugins have requested with `node.http`. */
  readonly requests: readonly HttpRequest[];
  /** What the cloud was asked at the start, as `beforeConnect` has left it; undefined if a plugin connects in another way. */
  readonly connect: ConnectRequest | undefined;
}

/** What only src/compose.ts knows. */
export interface Surroundings {
  readonly builtins: ReadonlyMap<string, () => Plugin>;
  readonly modules: ModuleLoader;
}

/** The built-in plugins that work in memory. */
const BUILTINS = ['simulator', 'batching', 'webhook'];
/** Nothing waits for their taps, but a test does. */
const OBSERVING = ['afterRun', 'onCancel', 'afterDeliver'] as const;

/** Resolves once all jobs have ended and the node is closed. Throws what the start of the node throws, what a step throws,
 *  why the node has ended early, and a JobError if a job does not end in time. */
export async function playPlugin(
  surroundings: Surroundings,
  plugin: OnePlugin,
  options: Omit<TestPluginOptions, 'options'> & { readonly options?: object },
): Promise<PlayedPlugin> {
  const { jobs: steps = [{}], plugins = [], timeoutMs = DEFAULT_WAIT_MS } = options;
  const log: string[] = [];
  const logger = createLogger({ level: 'debug', write: (line) => log.push(line) });
  const given: GivenPlugin = options.options === undefined ? plugin : [plugin, options.options];
  const applied = await givenPlugins([given, ...plugins], process.cwd(), logger);
  const { node, cloud, jobs, take } = createNode(surroundings, applied, options, logger);
  const observed = watchObserving(node);
  const settled = async (): Promise<void> => {
    for (const { ended } of jobs.values()) await ended;
    await observed.idle();
  };
  const play = async (): Promise<void> => {
    for (const step of steps) {
      if (typeof step !== 'function') take(step);
      else {
        await settled();
        await step(node);
      }
    }
    await settled();
  };
  await node.start();
  try {
    const failed = node.failed.then((reason) => {
      throw reason;
    });
    const isInTime = await endsWithin(Promise.race([play(), failed]), timeoutMs);
    if (!isInTime) throw overdue(node, jobs, timeoutMs);
  } catch (thrown) {
    await node.close();
    throw thrown;
  }
  await node.stop();
  await observed.idle();
  const { requests, connected: connect } = cloud;
  return { jobs: [...jobs.values()].map(({ played }) => played), log, requests, connect };
}

interface TestedNode {
  readonly node: Node;
  readonly cloud: TestCloud;
  readonly jobs: ReadonlyMap<string, Playing>;
  /** Has the node take a job in. */
  readonly take: (job: TestJob) => void;
}

function createNode(
  { builtins, modules }: Surroundings,
  plugins: readonly Plugin[],
  { executor, env = {}, http, settings }: Omit<TestPluginOptions, 'options'>,
  log: Logger,
): TestedNode {
  const jobs = new Map<string, Playing>();
  const cloud = new TestCloud(jobs, http);
  let pipeline: MemoryPipeline | undefined;
  const parts: NodeParts = {
    openJobs: (opened) =>
      Promise.resolve((options) => (pipeline = new MemoryPipeline({ ...options, ...opened, jobs }))),
    createHttpClient: () => cloud,
    redisServers: () => {
      throw new ConfigError('there is no Redis in testPlugin', {
        remedy: 'Test this plugin with startTestNode, which has a real one.',
      });
    },
  };
  const replaced = new Set(plugins.map(({ name }) => name));
  const others = [
    ...BUILTINS.flatMap((name) => builtins.get(name)?.() ?? []),
    testDevice(executor, jobs, (jobId) => pipeline?.cancel(jobId)),
    cloud.plugin(),
    ROUTES,
  ].filter(({ name }) => !replaced.has(name));
  const node = new Node({
    config: {
      settings: { ...defaultSettings(), qpuId: 'test-qpu', ...settings },
      executor: undefined,
      state: undefined,
    },
    plugins: [...others, ...plugins],
    modules,
    env,
    log,
    parts,
  });
  const take = (job: TestJob): void => {
    const playing = playingOf(job, jobs.size + 1);
    if (jobs.has(playing.jobId)) throw new TypeError(`two jobs of the test are called ${playing.jobId}`);
    jobs.set(playing.jobId, playing);
    pipeline?.take(playing);
  };
  return { node, cloud, jobs, take };
}

function overdue(node: Node, jobs: ReadonlyMap<string, Playing>, timeoutMs: number): JobError {
  const open = [...jobs.values()].filter(({ hasEnded }) => !hasEnded).map(({ jobId }) => jobId);
  const what = open.length === 0 ? 'a step, or a tap that observes,' : open.join(', ');
  const { reasons } = node.readiness();
  const because = reasons.length === 0 ? '' : `: ${reasons.join('; ')}`;
  return new JobError(`${what} did not end within ${timeoutMs / 1000} s${because}`, {
    remedy: 'See what the plugin or the executor waits for. With timeoutMs, testPlugin waits longer.',
  });
}

function playingOf(job: TestJob, number: number): Playing {
  const { jobId = `job-${number}`, ir = bell('cz').ir, result } = job;
  const shots = job.shots ?? (result?.counts === undefined ? 100 : sumOf(result.counts));
  return new Playing(jobId, { ...job, ir, shots });
}

/** In place of the built-in plugin `health`: has plugins add their routes, and serves none. */
const ROUTES: Plugin = {
  name: 'health',
  apply: ({ hooks }) =>
    hooks.boot.tapPromise({ name: 'health', stage: -500 }, async () => {
      if (!isTapped(hooks.http)) return;
      const { Router } = await import('@koa/router');
      hooks.http.call(new Router());
    }),
};

/** Tells when no tap of an observing hook is at work. */
function watchObserving({ hooks }: Pick<CodaNode, 'hooks'>): { idle: () => Promise<void> } {
  let calls = 0;
  const waiting = new Waiters();
  const ended = (): void => {
    calls -= 1;
    waiting.notify();
  };
  for (const name of OBSERVING) {
    hooks[name].intercept({ call: () => void (calls += 1), done: ended, error: ended });
  }
  return {
    async idle() {
      while (calls > 0) await waiting.next();
    },
  };
}
