// What a plugin is, and the node as it sees it. Built-in plugins use exactly this and nothing else.
import type { Redis, RedisOptions } from 'ioredis';
import type { ModuleLoader } from './config/modules.ts';
import type { PersistedState } from './config/persisted.ts';
import type { Settings } from './config/settings.ts';
import type { Executor, ExecutorChoice, ExecutorFactory } from './device/executor.ts';
import type { Hooks } from './hooks.ts';
import type { HttpClient } from './net/http.ts';
import type { Jobs } from './jobs/jobs.ts';
import type { Logger } from './log.ts';
import type { ReadinessReport } from './kernel/readiness.ts';
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
  /** Runs at close, in reverse order of registration, also after a failed boot. */
  onClose(name: string, release: () => void | Promise<void>): void;
  /** Ends the node for a reason from which it cannot recover. */
  fail(reason: unknown): void;
}

/** Types a plugin where it is written; returns it as it is. */
export function definePlugin(plugin: Plugin): Plugin {
  return plugin;
}
