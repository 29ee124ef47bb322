// The simulator as an executor: exact, noiseless, all-to-all, up to a dozen qubits.
// For trying a node without hardware, and as a reference for executors of real devices.
import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  ConfigError,
  ExecutorError,
  type ExecutionResult,
  type Executor,
  type NativeGateIR,
  type RunContext,
} from '../../src/index.ts';
import { discreteSampler, randomStream } from './sampler.ts';
import { applyGate, groundState, probabilities, type StateVector } from './statevector.ts';

export interface SimulatorOptions {
  /** 0 to 2^53 - 1. The same seed and the same sequence of runs give the same counts. Default: random. */
  seed?: number;
  /** Most qubits that a circuit may apply gates to, 1 to 20. Default 12. */
  maxQubits?: number;
}

const DEFAULT_MAX_QUBITS = 12;
/** With more, a single gate would delay heartbeats. */
const HIGHEST_MAX_QUBITS = 20;
const MAX_SHOTS = 1_000_000_000;
const SHOTS_PER_BATCH = 50_000;
/** How long a run computes before it lets heartbeats, health checks and cancellation through. */
const SLICE_MS = 10;

/**
 * An executor that computes the exact state of a circuit (PROTOCOL §4, §5) and samples it.
 *
 * Counts: the k-th character of a key is the outcome of the k-th entry of `ir.measurements`. A qubit
 * that is measured twice gives the same bit twice; no measurements give `{ '': shots }`. Only qubits
 * with a gate other than `id` take memory and count towards the limit; all others measure as 0.
 *
 * The n-th run draws from the n-th random stream of the seed. A run is refused with ExecutorError
 * above `maxQubits` qubits or 10^9 shots; it rejects with the signal's reason within milliseconds of
 * an abort. Throws ConfigError for an option out of range.
 */
export function createSimulator(options: SimulatorOptions = {}): Executor {
  const seed = option('seed', options.seed ?? randomBytes(6).readUIntBE(0, 6), 0, Number.MAX_SAFE_INTEGER);
  const maxQubits = option('maxQubits', options.maxQubits ?? DEFAULT_MAX_QUBITS, 1, HIGHEST_MAX_QUBITS);
  let runs = 0;

  return {
    async run(ir: NativeGateIR, shots: number, context: RunContext): Promise<ExecutionResult> {
      const started = performance.now();
      const stream = runs++;
      context.signal.throwIfAborted();
      checkShots(shots);
      const register = registerOf(ir, maxQubits);
      context.log.debug('simulating', { qubits: register.size, gates: ir.gates.length, shots, seed, stream });

      const state = await evolve(ir, register, context.signal);
      const measured = [...new Set(ir.measurements)].filter((qubit) => register.has(qubit));
      const weights = probabilities(
        state,
        measured.map((qubit) => positionOf(register, qubit)),
      );
      const drawn = await sample(weights, shots, randomStream(seed, stream), context.signal);

      const bitOf = new Map(measured.map((qubit, bit) => [qubit, bit]));
      const counts: Record<string, number> = {};
      drawn.forEach((count, outcome) => {
        if (count > 0) counts[bitstring(ir.measurements, bitOf, outcome)] = count;
      });
      return { counts, executionTimeMs: performance.now() - started, shotsCompleted: shots };
    },
  };
}

/** Maps each qubit that a gate acts on to its position in the register. */
function registerOf(ir: NativeGateIR, maxQubits: number): Map<number, number> {
  const register = new Map<number, number>();
  for (const { gate, qubits } of ir.gates) {
    if (gate === 'id') continue;
    for (const qubit of qubits) if (!register.has(qubit)) register.set(qubit, register.size);
  }
  if (register.size <= maxQubits) return register;
  throw new ExecutorError(
    `the circuit applies gates to ${register.size} qubits; the simulator takes at most ${maxQubits}`,
    {
      remedy:
        `Send a circuit with gates on at most ${maxQubits} qubits, ` +
        `raise the simulator's maxQubits (up to ${HIGHEST_MAX_QUBITS}), or run it on hardware`,
    },
  );
}

function checkShots(shots: number): void {
  if (Number.isInteger(shots) && shots >= 1 && shots <= MAX_SHOTS) return;
  throw new ExecutorError(`the simulator cannot take ${shots} shots`, {
    remedy: `Ask for a whole number from 1 to ${MAX_SHOTS}`,
  });
}

async function evolve(
  ir: NativeGateIR,
  register: ReadonlyMap<number, number>,
  signal: AbortSignal,
): Promise<StateVector> {
  const state = groundState(register.size);
  let sliceEnd = performance.now() + SLICE_MS;
  for (const { gate, qubits, params } of ir.gates) {
    if (gate === 'id') continue;
    const at = qubits.map((qubit) => positionOf(register, qubit));
    applyGate(state, gate, at, params);
    if (performance.now() >= sliceEnd) sliceEnd = await nextSlice(signal);
  }
  return state;
}

/** How often each outcome was drawn, in the order of `weights`. */
async function sample(
  weights: Float64Array,
  shots: number,
  random: () => number,
  signal: AbortSignal,
): Promise<Uint32Array> {
  const draw = discreteSampler(weights, random);
  const drawn = new Uint32Array(weights.length);
  let sliceEnd = performance.now() + SLICE_MS;
  for (let left = shots; left > 0; left -= SHOTS_PER_BATCH) {
    for (let shot = Math.min(left, SHOTS_PER_BATCH); shot > 0; shot--) {
      const outcome = draw();
      drawn[outcome] = drawn[outcome]! + 1;
    }
    if (performance.now() >= sliceEnd) sliceEnd = await nextSlice(signal);
  }
  return drawn;
}

/** Lets the event loop turn; returns when the next slice ends, throws if the run was aborted. */
async function nextSlice(signal: AbortSignal): Promise<number> {
  await nextTurn();
  signal.throwIfAborted();
  return performance.now() + SLICE_MS;
}

function bitstring(
  measurements: readonly number[],
  bitOf: ReadonlyMap<number, number>,
  outcome: number,
): string {
  return measurements
    .map((qubit) => {
      const bit = bitOf.get(qubit);
      return bit === undefined ? 0 : (outcome >> bit) & 1;
    })
    .join('');
}

function positionOf(register: ReadonlyMap<number, number>, qubit: number): number {
  const position = register.get(qubit);
  if (position === undefined) throw new ExecutorError(`qubit ${qubit} is not in the simulator's register`);
  return position;
}

function option(name: string, value: number, lowest: number, highest: number): number {
  if (Number.isInteger(value) && value >= lowest && value <= highest) return value;
  throw new ConfigError(`simulator option ${name} is ${value}`, {
    remedy: `Set a whole number from ${lowest} to ${highest}`,
  });
}
