// The node: boot -> run -> drain -> close. Owns the hooks, the services and the release stack; the rest is plugins.
import type { Redis, RedisOptions } from 'ioredis';
import { factoryContext } from './config/factory-context.ts';
import type { LoadedConfig } from './config/load.ts';
import type { ModuleLoader } from './config/modules.ts';
import type { PersistedState } from './config/persisted.ts';
import type { Settings } from './config/settings.ts';
import { messageOf, NodeError, VPNError } from './errors.ts';
import type {
  Executor,
  ExecutorChoice,
  ExecutorFactory,
  ExecutorRecipe,
  LoadedExecutor,
} from './device/executor.ts';
import { EXECUTOR_SEARCH, type ExecutorSearch } from './device/executor-search.ts';
import {
  loadExecutor,
  resolveExecutor,
  warnOfChanges,
  withLastBundle,
  withSession,
} from './device/make-executor.ts';
import { createHooks, type Hooks } from './hooks.ts';
import { createHttpClient, type HttpClient, type HttpOptions } from './net/http.ts';
import { Admission } from './kernel/admission.ts';
import { openJobs, type CreatePipeline, type OpenJobs, type Pipeline } from './jobs/open-jobs.ts';
import type { HandedBack } from './queue/hand-back.ts';
import type { Logger } from './log.ts';
import { applyPlugin, type CodaNode, type Plugin } from './plugin.ts';
import { ReadinessReport } from './kernel/readiness.ts';
import { RedisServers, type RedisServersOptions } from './net/redis/servers.ts';
import { closeRedis } from './net/redis.ts';
import { shardTrouble } from './net/redis-trouble.ts';
import { Targets } from './net/targets.ts';
import { streamKey } from './protocol/keys.ts';
import { readRedisUrl } from './protocol/urls.ts';
import { ReleaseStack } from './kernel/release.ts';
import { Services } from './kernel/services.ts';
import type { Session } from './kernel/session.ts';
import { SlowTaps } from './kernel/slow-taps.ts';
import { checkTapOrder } from './kernel/tap.ts';
import { watchTroubles } from './kernel/trouble-log.ts';

/** What a node needs of the machine that it runs on. */
export interface NodeParts {
  readonly openJobs: OpenJobs;
  readonly createHttpClient: (options: HttpOptions) => HttpClient;
  readonly redisServers: (options: RedisServersOptions) => RedisServers;
}

const PARTS: NodeParts = {
  openJobs,
  createHttpClient,
  redisServers: (options) => new RedisServers(options),
};

export interface NodeOptions {
  readonly config: Pick<LoadedConfig, 'settings' | 'executor' | 'state'>;
  /** Applied in this order. */
  readonly plugins: readonly Plugin[];
  readonly modules: ModuleLoader;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Logger;
  /** Others than the real ones, for a node that has neither a disk nor a network. */
  readonly parts?: NodeParts;
}

export class Node implements CodaNode {
  readonly hooks: Hooks;
  readonly settings: Settings;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Logger;
  readonly http: HttpClient;
  readonly services: Services;
  readonly modules: ModuleLoader;
  readonly executorChoice: ExecutorChoice | undefined;
  readonly executors = new Map<string, ExecutorFactory>();
  readonly state: PersistedState | undefined;
  /** Resolves with the reason when the node cannot continue. */
  readonly failed: Promise<unknown>;

  readonly #plugins: readonly Plugin[];
  readonly #releases: ReleaseStack;
  readonly #admission = new Admission();
  #servers: RedisServers | undefined;
  #phase: CodaNode['phase'] = 'booting';
  #applying: string | undefined;
  #executor: LoadedExecutor | undefined;
  #session: Session | undefined;
  #pipeline: Pipeline | undefined;
  #networkUp = false;
  readonly #slowTaps = new SlowTaps();
  #draining: Promise<void> | undefined;
  readonly #fail: (reason: unknown) => void;
  readonly #targets: Targets;
  readonly #parts: NodeParts;

  constructor({ config, plugins, modules, env, log, parts = PARTS }: NodeOptions) {
    this.settings = config.settings;
    this.executorChoice = config.executor;
    this.state = config.state;
    this.env = env;
    this.log = log;
    this.modules = modules;
    this.#plugins = plugins;
    this.#parts = parts;
    this.#releases = new ReleaseStack(log);
    const applying = (): string | undefined => this.#applying;
    this.services = new Services(applying);
    const slowTaps = this.#slowTaps;
    this.hooks = createHooks({ timeoutMs: this.settings.hookTimeoutSec * 1000, log, applying, slowTaps });
    this.#targets = new Targets(this.settings.webhookAllowedOrigins);
    this.http = parts.createHttpClient({ env, targets: this.#targets });
    this.onClose('the HTTP client', () => this.http.close());
    let fail: (reason: unknown) => void = () => {};
    this.failed = new Promise((resolve) => (fail = resolve));
    this.#fail = fail;
  }

  get phase(): CodaNode['phase'] {
    return this.#phase;
  }

  get executor(): Executor {
    return (this.#executor ?? tooEarly('executor', 'connect')).executor;
  }

  get executorSource(): string {
    return (this.#executor ?? tooEarly('executorSource', 'connect')).source;
  }

  get session(): Session {
    return this.#session ?? tooEarly('session', 'connect');
  }

  get jobs(): Pipeline {
    return this.#pipeline ?? tooEarly('jobs', 'network');
  }

  redis(name: string, options?: RedisOptions): Redis {
    const servers = (this.#servers ??= this.#redisServers());
    const redis = servers.open(`coda-node:${name}`, options);
    // ioredis reports every failed attempt; whether Redis is healthy is judged by whether it answers.
    redis.on('error', (error) => this.log.debug(`redis ${name}: ${messageOf(error)}`));
    this.onClose(`the Redis connection '${name}'`, () => closeRedis(redis));
    return redis;
  }

  onClose(name: string, release: () => void | Promise<void>): void {
    this.#releases.push(name, release);
  }

  networkChanged(): void {
    this.log.debug('the network has changed: connecting to Redis and the cloud anew');
    this.http.renew();
    this.#servers?.renew();
  }

  fail(reason: unknown): void {
    this.#fail(reason);
  }

  readiness(): ReadinessReport {
    const report = new ReadinessReport();
    const required = this.#session?.vpn.required ?? true;
    if (this.#session !== undefined) report.vpnState = required && !this.#networkUp ? 'degraded' : 'ready';
    if (this.#phase !== 'running') report.notReady(`the node is ${this.#phase}`);
    report.add('phase', this.#phase);
    report.add('executor', this.#executor?.source ?? null);
    this.#pipeline?.report(report);
    const shard = this.#servers?.unreachable;
    if (shard !== undefined) {
      const { text, remedy } = shardTrouble(shard.error, shard.place);
      report.trouble(text, remedy);
    }
    this.#slowTaps.report(report);
    this.hooks.readiness.call(report);
    return report;
  }

  /** Boots; resolves once jobs can be taken, as soon as Redis answers. A failed boot releases everything and throws. */
  async start(): Promise<void> {
    try {
      await this.#boot();
    } catch (thrown) {
      await this.close();
      throw thrown;
    }
  }

  /** Finds and makes the executor and does nothing else, for commands that try it without a cloud; `close` ends it. */
  async loadExecutor(): Promise<LoadedExecutor> {
    this.#apply();
    const { settings, state } = this;
    const resolved = await resolveExecutor(this.hooks);
    return (this.#executor = await this.#load(resolved, withLastBundle(settings, state) ?? settings));
  }

  /** What a search for executors finds, and nothing else; undefined if no plugin searches. `close` ends it. */
  async searchExecutors(): Promise<ExecutorSearch | undefined> {
    this.#apply();
    return this.services.find(EXECUTOR_SEARCH)?.search();
  }

  /** Takes no further job, lets the running one end, and delivers; then releases everything.
   *  A node that is still booting is closed at once. */
  async stop(): Promise<void> {
    if (this.#phase === 'running') await this.drain();
    await this.close();
  }

  /** Ends the running jobs without waiting for them, and reports them failed. */
  cancelRunning(): void {
    this.#pipeline?.failRunning('the operator stopped the node while the job ran');
  }

  drain(): Promise<void> {
    this.#draining ??= this.#drain();
    return this.#draining;
  }

  /** After a drain: gives the jobs that were not started to another consumer of the group. Undefined if none were taken. */
  async handBack(consumer: string | null): Promise<HandedBack | undefined> {
    return this.#pipeline?.handBack(consumer);
  }

  close(): Promise<void> {
    this.#phase = 'closed';
    return this.#releases.releaseAll();
  }

  async #boot(): Promise<void> {
    this.#apply();
    const createPipeline = await this.#openJobs();
    await this.hooks.boot.promise();
    const executor = await this.#connectAndLoad();
    const session = this.session;
    await this.#bringNetworkUp(session);
    this.#throwIfClosed();
    const pipeline = (this.#pipeline = createPipeline({
      qpuId: session.qpuId,
      loaded: executor,
      hooks: this.hooks,
      busyTaps: this.#slowTaps.busy,
      openRedis: (name, options) => this.redis(name, options),
    }));
    this.onClose('the job pipeline', () => pipeline.close());
    await this.hooks.start.promise();
    this.#throwIfClosed();
    this.#phase = 'running';
    pipeline.start();
    const isDraining = (): boolean => this.#phase !== 'running';
    const stopWatching = watchTroubles(() => this.readiness(), isDraining, this.log);
    this.onClose('the watch for trouble', stopWatching);
    this.log.info(`serving QPU ${session.qpuId} with executor ${executor.source}`);
  }

  #apply(): void {
    for (const plugin of this.#plugins) {
      this.#applying = plugin.name;
      try {
        applyPlugin(plugin, this);
      } finally {
        this.#applying = undefined;
      }
    }
    this.services.check();
    for (const [name, hook] of Object.entries(this.hooks)) checkTapOrder(name, hook);
  }

  #openJobs(): Promise<CreatePipeline> {
    return this.#parts.openJobs({
      settings: this.settings,
      env: this.env,
      admission: this.#admission,
      log: this.log,
      onClose: (name, release) => this.onClose(name, release),
      onLost: (error) => {
        // Not even a drain: what it would save is another node's by now.
        this.fail(error);
        void this.close();
      },
      checkOpen: () => this.#throwIfClosed(),
    });
  }

  /** Finds the executor before the cloud is asked anything, so that a broken one costs no token; makes it as soon as the
   *  device is known: on a first start that is after the connect, if it wants to know the device (PROTOCOL §11). */
  async #connectAndLoad(): Promise<LoadedExecutor> {
    const resolved = await resolveExecutor(this.hooks);
    const described = withLastBundle(this.settings, this.state);
    const needsBundle = 'create' in resolved && resolved.needsBundle !== false;
    if (!needsBundle || described !== undefined) {
      this.#executor = await this.#load(resolved, described ?? this.settings);
    }
    this.#throwIfClosed();
    const session = (this.#session = await this.#connect(this.#executor?.executor));
    if (this.#executor === undefined) {
      this.#executor = await this.#load(resolved, withSession(this.settings, session));
    } else if (described !== undefined && needsBundle) {
      warnOfChanges(described, session, this.log);
    }
    return this.#executor;
  }

  #load(resolved: LoadedExecutor | ExecutorRecipe, settings: Settings): Promise<LoadedExecutor> {
    return loadExecutor(resolved, settings, {
      hooks: this.hooks,
      log: this.log,
      context: () => factoryContext(this.modules, settings.deviceConfig, this.log),
      onClose: (name, release) => this.onClose(name, release),
    });
  }

  async #connect(executor: Executor | undefined): Promise<Session> {
    const session = await this.hooks.connect.promise(executor);
    this.#throwIfClosed();
    if (session !== undefined) {
      const address = readRedisUrl(session.redisUrl);
      if (typeof address !== 'string') this.#targets.redis = { places: address.hosts };
      return session;
    }
    throw new NodeError('no plugin connects to the cloud', {
      remedy: 'Switch the built-in plugin `connect` on, or tap `connect`.',
    });
  }

  #redisServers(): RedisServers {
    const { redisUrl: url, qpuId } = this.session;
    const servers = this.#parts.redisServers({
      url,
      env: this.env,
      streamKey: streamKey(qpuId),
      log: this.log,
    });
    this.#targets.redis = servers;
    return servers;
  }

  async #bringNetworkUp(session: Session): Promise<void> {
    this.#networkUp = (await this.hooks.network.promise(session)) === true;
    if (!session.vpn.required || this.#networkUp) return;
    const message = 'the cloud requires a VPN, and no plugin has brought one up';
    if (!this.settings.allowDegradedStartup) {
      throw new VPNError(message, {
        remedy: 'Switch the plugin `vpn` on, or set CODA_ALLOW_DEGRADED_STARTUP=true.',
      });
    }
    this.log.warn(`${message}; starting all the same`);
  }

  async #drain(): Promise<void> {
    this.#phase = 'draining';
    await this.hooks.drain.promise();
    await this.#pipeline?.drain(this.settings.shutdownDrainTimeoutSec * 1000);
  }

  #throwIfClosed(): void {
    if (this.#phase === 'closed') throw new NodeError('the node was stopped while it started');
  }
}

function tooEarly(what: string, hook: string): never {
  throw new Error(`node.${what} is not there before the hook \`${hook}\` has ended`);
}
