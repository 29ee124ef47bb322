// What the plugin that finds executors tells of its search, for `coda executor list`.
import { serviceKey } from '../kernel/services.ts';

/** A package, a file or a module that offers an executor, or looks as if it should. */
export interface ExecutorCandidate {
  /** `@lab/rig`. */
  readonly name: string;
  /** The folder or file that it is in. */
  readonly place: string;
  /** `used`: a node that is started now runs it. `usable`: it could, if it were named. `broken`: it should, and fails.
   *  `passed over`: it is not taken for an executor. */
  readonly state: 'used' | 'usable' | 'broken' | 'passed over';
  /** What to name in CODA_EXECUTOR_FACTORY. */
  readonly reference?: string | undefined;
  /** Why it is not used; a sentence. */
  readonly why?: string | undefined;
  readonly remedy?: string | undefined;
}

export interface ExecutorSearch {
  /** The executor that the configuration names; the search then decides nothing. */
  readonly named?: { readonly reference: string; readonly source: string } | undefined;
  readonly candidates: readonly ExecutorCandidate[];
  /** The executors that plugins bring, by name. */
  readonly byName: readonly string[];
  /** The node_modules that were searched, and how long that took. */
  readonly folders: readonly string[];
  readonly packages: number;
  readonly ms: number;
}

/** The plugin that finds executors provides it. */
export interface SearchesExecutors {
  /** Searches as a start does, and imports what it finds; calls no factory. */
  search(): Promise<ExecutorSearch>;
}

export const EXECUTOR_SEARCH = serviceKey<SearchesExecutors>('executor search');
