// The circuits that `coda dev` runs by itself: well-known ones, and one that is random each time.
import { randomBytes, randomInt } from 'node:crypto';
import type { Target } from '../../protocol/ir.ts';
import { bell, ghz, randomCircuit, type SampleCircuit } from '../../testing/index.ts';

export interface SampleJob {
  /** Different in each session: a Redis that keeps running still knows the jobs of the last one. */
  readonly jobId: string;
  readonly circuit: SampleCircuit;
}

const RANDOM_QUBITS = 4;
const RANDOM_DEPTH = 6;

/** Those that fit on a device of `qubits` qubits. */
export function sampleJobs(target: Target, qubits: number): SampleJob[] {
  const suffix = randomBytes(3).toString('hex');
  const job = (name: string, circuit: SampleCircuit): SampleJob => ({ jobId: `${name}-${suffix}`, circuit });
  return [
    job('bell', bell(target)),
    job('ghz3', ghz(3, target)),
    job('ghz5', ghz(5, target)),
    job('random', randomCircuit(randomInt(1_000_000), Math.min(RANDOM_QUBITS, qubits), RANDOM_DEPTH, target)),
  ].filter(({ circuit }) => circuit.ir.num_qubits <= qubits);
}
