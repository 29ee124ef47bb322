// What is to be made: everything that the texts of a project depend on.
import type { Example, Language, Manager, Target } from './usage.ts';

export type Project = ExecutorProject | PluginProject;

interface Common {
  /** Of the npm package. */
  readonly name: string;
  readonly manager: Manager;
  /** Yarn 2 or newer. */
  readonly isYarnBerry: boolean;
  /** What package.json asks for: `^0.1.0`, `file:/tmp/coda-node-0.1.0.tgz`. */
  readonly codaNode: string;
}

export interface ExecutorProject extends Common {
  readonly kind: 'executor';
  readonly language: Language;
  /** Of the package in Python. */
  readonly module: string;
  readonly target: Target;
  readonly qubits: number;
  readonly batch: boolean;
}

export interface PluginProject extends Common {
  readonly kind: 'plugin';
  readonly example: Example;
}

/** Whether the stand-in of an executor is too small for a circuit on all qubits. */
export function isLarge({ qubits }: ExecutorProject): boolean {
  return qubits > 12;
}
