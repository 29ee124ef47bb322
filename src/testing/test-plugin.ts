// Plays jobs through the hooks of a node in memory: the real kernel, job table, runner and checks, and the built-in plugins
// that need neither Redis nor a network nor a disk. What passes here passes in a node.
import type { GivenPlugin, OnePlugin, OptionsFor } from '../config/define.ts';
import { givenPlugins } from '../config/plugins/load.ts';
import { defaultSettings, type Settings } from '../config/settings.ts';
import type { ModuleLoader } from '../config/modules.ts';
import type { ConnectRequest } from '../hooks.ts';
import { isTapped } from '../kernel/tap.ts';
import { bell } from '../local-cloud/circuits.ts';
import { createLogger } from '../log.ts';
import type { HttpRequest } from '../net/http.ts';
import { Waiters } from '../net/timing.ts';
import { Node, type NodeParts } from '../node.ts';
import type { CodaNode, Plugin } from '../plugin.ts';
import { ConfigError } from '../errors.ts';
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

/** Resolves once all jobs have ended and the node is closed. Throws what the start of the node throws, what a step
 *  throws, and why the node has ended early. */
export async function playPlugin(
  { builtins, modules }: Surroundings,
  plugin: OnePlugin,
  options: Omit<TestPluginOptions, 'options'> & { readonly options?: object },
): Promise<PlayedPlugin> {
  const { jobs: steps = [{}], executor, env = {}, plugins = [], http } = options;
  const log: string[] = [];
  const logger = createLogger({ level: 'debug', write: (line) => log.push(line) });
  const jobs = new Map<string, Playing>();
  const cloud = new TestCloud(jobs, http);
  let pipeline: MemoryPipeline | undefined;
  const parts: NodeParts = {
    openJobs: ({ settings, admission }) =>
      Promise.resolve((opened) => {
        pipeline = new MemoryPipeline({ ...opened, settings, admission, log: logger, jobs });
        return pipeline;
      }),
    createHttpClient: () => cloud,
    openRedis: () => {
      throw new ConfigError('there is no Redis in testPlugin', {
        remedy: 'Test this plugin with startTestNode, which has a real one.',
      });
    },
  };
  const given: GivenPlugin = options.options === undefined ? plugin : [plugin, options.options];
  const own = await givenPlugins([given, ...plugins], process.cwd(), logger);
  const replaced = new Set(own.map(({ name }) => name));
  const others = [
    ...BUILTINS.flatMap((name) => builtins.get(name)?.() ?? []),
    testDevice(executor, jobs, (jobId) => pipeline?.cancel(jobId)),
    cloud.plugin(),
    ROUTES,
  ].filter(({ name }) => !replaced.has(name));
  const node = new Node({
    config: {
      settings: { ...defaultSettings(), qpuId: 'test-qpu', ...options.settings },
      executor: undefined,
      state: undefined,
    },
    plugins: [...others, ...own],
    modules,
    env,
    log: logger,
    parts,
  });
  const observed = watchObserving(node);
  await node.start();
  const play = async (): Promise<void> => {
    const settled = async (): Promise<void> => {
      for (const { ended } of jobs.values()) await ended;
      await observed.idle();
    };
    for (const step of steps) {
      if (typeof step === 'function') {
        await settled();
        await step(node);
        continue;
      }
      const playing = playingOf(step, jobs.size + 1);
      if (jobs.has(playing.jobId)) throw new TypeError(`two jobs of the test are called ${playing.jobId}`);
      jobs.set(playing.jobId, playing);
      pipeline?.take(playing);
    }
    await settled();
  };
  const failed = node.failed.then((reason) => {
    throw reason;
  });
  try {
    await Promise.race([play(), failed]);
  } finally {
    await node.stop();
  }
  await observed.idle();
  const { requests, connected } = cloud;
  return {
    jobs: [...jobs.values()].map(({ played }) => played),
    log,
    requests,
    connect: connected,
  };
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
