// What a plugin is, and the node as it sees it. Built-in plugins use exactly this and nothing else.
import type { Redis, RedisOptions } from 'ioredis';
import type { ModuleLoader } from './config/modules.ts';
import type { PersistedState } from './config/persisted.ts';
import type { Settings } from './config/settings.ts';
import type { Executor, ExecutorChoice } from './device/executor.ts';
import type { Hooks } from './hooks.ts';
import type { HttpClient } from './net/http.ts';
import type { Jobs } from './jobs/jobs.ts';
import type { Logger } from './log.ts';
import type { ReadinessReport } from './kernel/readiness.ts';
import type { Services } from './kernel/services.ts';
import type { Session } from './kernel/session.ts';

/** A plugin: `apply` is called once, synchronously, before anything else happens; it taps hooks. */
export interface Plugin {
  readonly name: string;
  apply(node: CodaNode): void;
}

/** Makes an executor from the node's settings; called once a start. Returns the executor or a promise of it. */
export type ExecutorFactory = (settings: Settings) => unknown;

/** The node as its plugins see it. */
export interface CodaNode {
  readonly hooks: Hooks;
  readonly settings: Settings;
  readonly env: NodeJS.ProcessEnv;
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

/** Types a plugin where it is written; returns it as it is. */
export function definePlugin(plugin: Plugin): Plugin {
  return plugin;
}
