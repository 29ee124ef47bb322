// What a plugin is, and the node as it sees it. Built-in plugins use exactly this and nothing else.
import type { Redis, RedisOptions } from 'ioredis';
import type { ModuleLoader } from './config/modules.ts';
import type { PersistedState } from './config/persisted.ts';
import type { FilledOptions, GivenOptions, OptionsSchema } from './config/plugins/schema-types.ts';
import type { Settings } from './config/settings.ts';
import type { Executor, ExecutorChoice, ExecutorFactory } from './device/executor.ts';
import { messageOf, PluginError } from './errors.ts';
import type { Hooks } from './hooks.ts';
import type { HttpClient } from './net/http.ts';
import type { Jobs } from './jobs/jobs.ts';
import type { Logger } from './log.ts';
import type { ReadinessReport } from './kernel/readiness.ts';
import { isPromise } from './kernel/series.ts';
import type { Services } from './kernel/services.ts';
import type { Session } from './kernel/session.ts';

/** Anything but a promise: nothing waits for `apply`. */
export type NotAPromise =
  | void
  | null
  | boolean
  | number
  | string
  | (object & { readonly then?: 'apply must not be async: await in a tap of boot or start' });

/** A plugin: `apply` is called once, synchronously, before anything else happens; it taps hooks. */
export interface Plugin {
  readonly name: string;
  apply(node: CodaNode): NotAPromise;
}

/** A plugin that takes options: its users write `[plugin, { … }]`, and `apply` gets them checked, with all defaults. */
export interface PluginWithOptions<S extends OptionsSchema = OptionsSchema> {
  readonly name: string;
  /** The JSON schema of the options. An object has only the keys in `properties`, unless its schema says otherwise. */
  readonly options: S;
  apply(node: CodaNode, options: FilledOptions<S>): ReturnType<Plugin['apply']>;
}

/** A plugin that takes options, whichever these are. */
export interface PluginTakingOptions {
  readonly name: string;
  readonly options: OptionsSchema;
  readonly apply: object;
}

/** The options that `apply` of a plugin gets: `OptionsOf<typeof plugin>`. */
export type OptionsOf<P extends PluginTakingOptions> = FilledOptions<P['options']>;

/** The options as users of a plugin write them: those with a default can be left out. */
export type GivenOptionsOf<P extends PluginTakingOptions> = GivenOptions<P['options']>;

/** The node as its plugins see it. */
export interface CodaNode {
  readonly hooks: Hooks;
  readonly settings: Settings;
  readonly env: NodeJS.ProcessEnv;
  /** Its lines carry the plugin's name. */
  readonly log: Logger;
  readonly http: HttpClient;
  readonly services: Services;
  /** Finds and imports modules of users, TypeScript included; in them, `coda-node` is this running package. */
  readonly modules: ModuleLoader;
  /** The executor that the configuration names, not yet resolved. */
  readonly executorChoice: ExecutorChoice | undefined;
  /** Executors that can be chosen by name, such as `simulator`. */
  readonly executors: Map<string, ExecutorFactory>;
  /** Credentials of an earlier start, if there are any. */
  readonly state: PersistedState | undefined;
  /** Throws before it is made: with or before `connect`. */
  readonly executor: Executor;
  /** Where the executor comes from, as the log and `/ready` name it. Throws as `executor` does. */
  readonly executorSource: string;
  /** Throws before `connect` has ended. */
  readonly session: Session;
  /** Throws before `network` has ended. */
  readonly jobs: Jobs;
  readonly phase: 'booting' | 'running' | 'draining' | 'closed';
  /** A fresh readiness report. */
  readiness(): ReadinessReport;
  /** A connection of its own to the session's Redis; closed with the node. */
  redis(name: string, options?: RedisOptions): Redis;
  /** For a plugin that brings a network up: says that it is another one than before, or works again. Connections to Redis
   *  and the cloud are then made anew at once, and requests that are under way fail, to be repeated; otherwise some of
   *  them would be waited for until their silence is noticed. */
  networkChanged(): void;
  /** Runs at close, in reverse order of registration, also after a failed boot. */
  onClose(name: string, release: () => void | Promise<void>): void;
  /** Ends the node for a reason from which it cannot recover. */
  fail(reason: unknown): void;
}

/** The node as one plugin sees it: what it logs, and its hold of the device, carry its name. */
function asSeenBy(plugin: string, node: NodeForPlugins): CodaNode {
  let jobs: Jobs | undefined;
  return {
    hooks: node.hooks,
    settings: node.settings,
    env: node.env,
    log: node.log.child(plugin, { plugin }),
    http: node.http,
    services: node.services,
    modules: node.modules,
    executorChoice: node.executorChoice,
    executors: node.executors,
    state: node.state,
    get executor() {
      return node.executor;
    },
    get executorSource() {
      return node.executorSource;
    },
    get session() {
      return node.session;
    },
    get jobs() {
      return (jobs ??= jobsSeenBy(plugin, node.jobs));
    },
    get phase() {
      return node.phase;
    },
    readiness: () => node.readiness(),
    redis: (name, options) => node.redis(name, options),
    networkChanged: () => node.networkChanged(),
    onClose: (name, release) => node.onClose(name, release),
    fail: (reason) => node.fail(reason),
  };
}

type NodeForPlugins = CodaNode & { readonly jobs: HeldByPlugins };
type HeldByPlugins = Jobs & { hold(reason: string, plugin?: string): ReturnType<Jobs['hold']> };

/** The jobs as one plugin sees them: who holds the device carries its name. */
function jobsSeenBy(plugin: string, jobs: HeldByPlugins): Jobs {
  return {
    get current() {
      return jobs.current;
    },
    get lastJobAt() {
      return jobs.lastJobAt;
    },
    admission: jobs.admission,
    hold: (reason) => jobs.hold(reason, plugin),
    runLocal: (ir, run) => jobs.runLocal(ir, run),
    figures: () => jobs.figures(),
    device: () => jobs.device(),
    running: () => jobs.running(),
    waiting: (most) => jobs.waiting(most),
    undelivered: (most) => jobs.undelivered(most),
    cancellable: () => jobs.cancellable(),
    cancel: (jobId) => jobs.cancel(jobId),
  };
}

/** Throws a PluginError that names the plugin. */
export function applyPlugin(plugin: Plugin, node: NodeForPlugins): void {
  try {
    refusePromise(plugin.apply(asSeenBy(plugin.name, node)), plugin.name);
  } catch (cause) {
    if (cause instanceof PluginError) throw cause;
    throw new PluginError(`plugin '${plugin.name}' failed in apply: ${messageOf(cause)}`, {
      plugin: plugin.name,
      cause,
    });
  }
}

/** What an async `apply` taps after its first `await` would come too late, and what it throws nobody would hear of. */
function refusePromise(returned: unknown, plugin: string): void {
  if (!isPromise(returned)) return;
  returned.then(undefined, () => {});
  throw new PluginError(`plugin '${plugin}' has an async apply, and nothing waits for it`, {
    plugin,
    remedy: 'Make apply a plain function that taps hooks; await in a tap of `boot` or `start`.',
  });
}

/** A plugin as its author writes it: with or without options. */
export interface PluginDefinition<S extends OptionsSchema | undefined = undefined> {
  readonly name: string;
  readonly options?: S;
  apply(
    node: CodaNode,
    options: S extends OptionsSchema ? FilledOptions<S> : undefined,
  ): ReturnType<Plugin['apply']>;
}

/** What definePlugin makes of that. */
export type DefinedPlugin<S extends OptionsSchema | undefined> = S extends OptionsSchema
  ? PluginWithOptions<S>
  : Plugin;

/** Types a plugin where it is written, and its options from their schema; returns it as it is. */
export function definePlugin<const S extends OptionsSchema | undefined = undefined>(
  plugin: PluginDefinition<S>,
): DefinedPlugin<S> {
  if (plugin.options !== undefined && plugin.options.type !== 'object') {
    throw new PluginError(`the options of plugin '${plugin.name}' are no JSON schema of type 'object'`, {
      plugin: plugin.name,
      remedy: "Write: options: { type: 'object', properties: { … } }",
    });
  }
  return plugin as DefinedPlugin<S>;
}
