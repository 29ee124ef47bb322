// What is known of an executor before it is checked: the device that it is for, and what it has.
import { ConfigError } from '../errors.ts';
import { connectivityOf, type Edge, type Executor } from '../device/executor.ts';
import { LEGAL_GATES, type Target } from '../protocol/ir.ts';

/** How an executor is checked. */
export interface CheckOptions {
  /** The native gate set of the device. Default: that of the settings. */
  readonly target?: Target | undefined;
  /** How many qubits the device has. Default: that of the settings. */
  readonly qubits?: number | undefined;
  /** Also checks that results follow physics. Leave it out for an executor that only plays a device. */
  readonly physics?: boolean | undefined;
  /** With `physics`: the share of shots that may show another outcome than a perfect device, 0 to 0.3. Default 0.2. */
  readonly noise?: number | undefined;
  /** Where a key of `counts` has the outcome of the first entry of `ir.measurements`. Default `left`. */
  readonly firstBit?: 'left' | 'right' | undefined;
  /** The most shots that all checks together may ask for. Those that do not fit are left out. Default: no limit. */
  readonly shotsBudget?: number | undefined;
  /** A run that takes longer than this counts as one that hangs. Default 60. */
  readonly timeoutSec?: number | undefined;
  /** Shots of a run that takes long enough to be cancelled. Default: searched for. */
  readonly longRun?: number | undefined;
  /** Checks that are not made, by their ids. */
  readonly skip?: readonly string[] | undefined;
  /** The only checks that are made. */
  readonly only?: readonly string[] | undefined;
}

/** An executor as a node would use it. */
export interface Subject {
  readonly executor: Executor;
  /** For people: `simulator`, `./executor.ts:createExecutor`. */
  readonly source: string;
  readonly nativeGateSet: string;
  readonly numQubits: number;
  /** The most jobs that a node hands to `batchRun` at once. */
  readonly batchSize: number;
  /** How long a cancelled run may take to end before the executor counts as unhealthy. */
  readonly cancelGraceMs: number;
  /** Calls its `close`, once; throws what that throws. */
  readonly close: () => Promise<void>;
  /** What keeps the process alive, and did not before the executor was made; empty if nothing does. */
  readonly stillOpen: () => string;
}

export interface Terms {
  readonly target: Target;
  /** How many qubits the settings say it has. */
  readonly numQubits: number;
  /** The qubits that circuits may use, ascending; at least one. */
  readonly qubits: readonly number[];
  /** Those that a gate on two qubits may use, if there are any. */
  readonly pairs: readonly Edge[];
  /** As the executor reports them. */
  readonly edges: readonly Edge[] | null;
  /** For the circuits. */
  readonly irQubits: number;
  readonly hasBatch: boolean;
  readonly hasCancel: boolean;
  readonly batchSize: number;
  readonly cancelGraceMs: number;
  readonly physics: boolean;
  readonly noise: number;
  readonly firstBit: 'left' | 'right';
  readonly timeoutMs: number;
  readonly longRun: number | undefined;
}

/** A circuit has no more (PROTOCOL §4). */
const MOST_QUBITS = 50;
const DEFAULT_NOISE = 0.2;
const MOST_NOISE = 0.3;
const DEFAULT_TIMEOUT_SEC = 60;

/** Throws a ConfigError for an option out of range. */
export function termsOf(subject: Subject, options: CheckOptions): Terms {
  const { executor } = subject;
  const numQubits = options.qubits ?? subject.numQubits;
  const edges = connectivityOf(executor);
  const named = (edges ?? []).flat();
  const usable = named.length > 0 ? named : Array.from({ length: numQubits }, (_, qubit) => qubit);
  const qubits = [...new Set(usable)].filter((qubit) => qubit < MOST_QUBITS).toSorted((a, b) => a - b);
  const inRange = ([a, b]: Edge): boolean => a !== b && qubits.includes(a) && qubits.includes(b);
  const neighbours = qubits.slice(1).map((qubit, i): Edge => [qubits[i] ?? 0, qubit]);
  return {
    target: targetOf(options.target ?? subject.nativeGateSet),
    numQubits,
    qubits: qubits.length > 0 ? qubits : [0],
    pairs: (edges !== null && edges.length > 0 ? edges : neighbours).filter(inRange),
    edges,
    irQubits: Math.min(MOST_QUBITS, Math.max(numQubits, 1 + (qubits.at(-1) ?? 0))),
    hasBatch: executor.batchRun !== undefined,
    hasCancel: executor.cancelCurrentJob !== undefined,
    batchSize: subject.batchSize,
    cancelGraceMs: subject.cancelGraceMs,
    physics: options.physics ?? false,
    noise: noiseOf(options.noise ?? DEFAULT_NOISE),
    firstBit: options.firstBit ?? 'left',
    timeoutMs: (options.timeoutSec ?? DEFAULT_TIMEOUT_SEC) * 1000,
    longRun: options.longRun,
  };
}

function targetOf(name: string): Target {
  if (Object.hasOwn(LEGAL_GATES, name)) return name as Target;
  throw new ConfigError(`there are no circuits for the native gate set '${name}' to check an executor with`, {
    remedy: `Name the target: one of ${Object.keys(LEGAL_GATES).join(', ')}.`,
  });
}

function noiseOf(noise: number): number {
  if (noise >= 0 && noise <= MOST_NOISE) return noise;
  throw new ConfigError(`noise is ${noise}; it must be a number from 0 to ${MOST_NOISE}`);
}
