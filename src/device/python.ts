// Executors that are written in Python: how a configuration names one, and what the plugin that runs them offers to the
// one that finds executors.
import { serviceKey } from '../kernel/services.ts';
import { isRecord } from '../protocol/text.ts';
import type { ExecutorRecipe } from './executor.ts';

/** An executor in Python; also as an object in a config file that is no code. */
export interface PythonChoice {
  /** `module:attribute`, such as `my_qpu.executor_factory:create_executor`. */
  readonly python: string;
  /** The interpreter or its virtual environment; a relative path starts at the config file. */
  readonly interpreter?: string | undefined;
}

/** Names an executor in Python, for `executor` in the configuration. */
export function python(factory: string, options: Pick<PythonChoice, 'interpreter'> = {}): PythonChoice {
  return { python: factory, ...options };
}

export function isPythonChoice(value: unknown): value is PythonChoice {
  if (!isRecord(value) || typeof value['python'] !== 'string' || 'run' in value) return false;
  return value['interpreter'] === undefined || typeof value['interpreter'] === 'string';
}

export interface PythonReference extends PythonChoice {
  /** The folders at which the search for a virtual environment and a relative interpreter start. */
  readonly baseDirs: readonly string[];
  /** Begins the text of an error: `executor 'a.b:c' (CODA_EXECUTOR_FACTORY)`. */
  readonly label: string;
}

/** What a Python environment offers. */
export interface InstalledPython {
  readonly executors: readonly ExecutorRecipe[];
  /** One sentence for each package that should offer one, and cannot be loaded. */
  readonly failures: readonly string[];
}

/** The plugin that runs Python provides it. */
export interface PythonExecutors {
  /** Imports what a reference names, and calls no factory yet; throws an ExecutorError if that fails. */
  load(reference: PythonReference): Promise<ExecutorRecipe>;
  /** As `load`; but if there is no such module, or no Python: why not, as the end of a sentence, and what to do. */
  loadIfThere(
    reference: PythonReference,
  ): Promise<ExecutorRecipe | { readonly missing: string; readonly remedy: string }>;
  /** The executors in the environment that the node is told of: by a setting, or because it is active. */
  installed(): Promise<InstalledPython>;
}

export const PYTHON_EXECUTORS = serviceKey<PythonExecutors>('Python executors');
