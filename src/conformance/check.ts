// What a check of an executor is, and what it finds. `coda executor check` and `testExecutor` use the same checks.
import type { Lab } from './lab.ts';
import type { Terms } from './terms.ts';
import type { Finding } from './verdict.ts';

export interface Check {
  /** Short and stable: for `--only`, `--skip` and scripts. */
  readonly id: string;
  /** What holds if it passes. */
  readonly title: string;
  /** Why a finding of it matters. */
  readonly why: string;
  /** Checks that say nothing new if one of these has failed. */
  readonly needs: readonly string[];
  /** How many shots it asks for at least. */
  readonly shots: (terms: Terms) => number;
  /** Why it does not apply to this executor; undefined if it does. */
  readonly unless?: (terms: Terms) => string | undefined;
  /** Returns a figure worth showing, if there is one. Throws a Fault for what it finds, or LeftOut if it cannot be made. */
  run(lab: Lab): Promise<string | undefined>;
}

export type Status = 'passed' | 'warned' | 'failed' | 'left out';

export interface CheckResult {
  readonly id: string;
  readonly title: string;
  readonly status: Status;
  readonly findings: readonly Finding[];
  /** A figure, or why it was left out. */
  readonly note?: string | undefined;
  /** Shots that it has asked for. */
  readonly shots: number;
  readonly ms: number;
}

/** What `coda executor check --json` prints. */
export interface CheckReport {
  /** Whether no check has failed. */
  readonly ok: boolean;
  /** Where the executor came from. */
  readonly executor: string;
  readonly target: string;
  readonly qubits: number;
  readonly shots: number;
  readonly shotsBudget: number | null;
  readonly seconds: number;
  readonly checks: readonly CheckResult[];
}
