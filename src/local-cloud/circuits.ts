// Sample circuits with known results, compiled for each target: a first check that a device measures correctly.
import { createHash } from 'node:crypto';
import type { Gate, GateName, NativeGateIR, Target } from '../protocol/ir.ts';

/** Whether counts agree with physics, and why. */
export interface Verdict {
  readonly ok: boolean;
  readonly reason: string;
}

export interface SampleCircuit {
  /** For people: `Bell pair`. */
  readonly title: string;
  readonly ir: NativeGateIR;
  /** Judges a measurement of `shots` shots; a noiseless device fails by chance less than once in a million. */
  expected(counts: Readonly<Record<string, number>>, shots: number): Verdict;
}

const { PI } = Math;
const SIGMAS = 5;

/** Two entangled qubits: only `00` and `11`, each half of the time. */
export function bell(target: Target): SampleCircuit {
  return { ...ghz(2, target), title: 'Bell pair' };
}

/** `qubits` (2 to 50) entangled qubits: all 0 or all 1, each half of the time. */
export function ghz(qubits: number, target: Target): SampleCircuit {
  const gates: Gate[] = hadamard(0, target);
  for (let qubit = 1; qubit < qubits; qubit++) gates.push(...controlledNot(qubit - 1, qubit, target));
  return {
    title: `GHZ state of ${qubits}`,
    ir: circuit(target, qubits, gates),
    expected: (counts, shots) => halfAndHalf(counts, shots, '0'.repeat(qubits), '1'.repeat(qubits)),
  };
}

/**
 * `depth` layers of random rotations and entangling gates on `qubits` (1 to 50) qubits; the same `seed` (an
 * integer) gives the same circuit. Only the shape of its counts is judged, not their distribution.
 */
export function randomCircuit(seed: number, qubits: number, depth: number, target: Target): SampleCircuit {
  const random = randomNumbers(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const rotations: readonly GateName[] = target === 'cnot' ? ['rx', 'ry', 'virtual_z'] : ['rx', 'ry', 'rz'];
  const gates: Gate[] = [];
  for (let layer = 0; layer < depth; layer++) {
    for (let qubit = 0; qubit < qubits; qubit++) {
      gates.push(gate(rotations[below(rotations.length)] ?? 'rx', [qubit], (2 * random() - 1) * PI));
    }
    for (let qubit = layer % 2; qubit + 1 < qubits; qubit += 2) {
      gates.push(entangler(qubit, qubit + 1, target, (2 * random() - 1) * PI));
    }
  }
  return {
    title: `random circuit, seed ${seed}`,
    ir: circuit(target, qubits, gates),
    expected: (counts, shots) =>
      shapeFault(counts, shots, qubits) ?? {
        ok: true,
        reason: `all ${shots} shots accounted for (its distribution is not judged)`,
      },
  };
}

/** A Hadamard gate up to a global phase. */
export function hadamard(qubit: number, target: Target): Gate[] {
  // Z, then a quarter turn about y; with the fixed gates of `cnot`, a quarter turn back, then Z.
  return target === 'cnot'
    ? [gate('y_minus_90', [qubit]), gate('virtual_z', [qubit], PI)]
    : [gate('rz', [qubit], PI), gate('ry', [qubit], PI / 2)];
}

/** A CNOT up to a global phase. */
export function controlledNot(control: number, flipped: number, target: Target): Gate[] {
  const pair = [control, flipped];
  switch (target) {
    case 'cnot':
      return [gate('cnot', pair)];
    case 'cz':
      return [...hadamard(flipped, target), gate('cz', pair), ...hadamard(flipped, target)];
    case 'pcz':
      return [...hadamard(flipped, target), gate('cp', pair, PI), ...hadamard(flipped, target)];
    case 'iswap':
      // Two iswaps around a quarter turn of the control make exp(-iπ/4·Z⊗Y) up to Z on both qubits;
      // the turns before and after carry Y over to X, and add the local parts of a CNOT.
      return [
        gate('rz', [control], PI),
        gate('rz', [flipped], PI / 2),
        gate('iswap', pair),
        gate('rx', [control], PI / 2),
        gate('iswap', pair),
        gate('rz', [flipped], PI / 2),
        gate('rx', [flipped], PI / 2),
        gate('rz', [control], PI / 2),
      ];
  }
}

function entangler(a: number, b: number, target: Target, angle: number): Gate {
  return target === 'pcz' ? gate('cp', [a, b], angle) : gate(target, [a, b]);
}

function gate(name: GateName, qubits: readonly number[], ...params: readonly number[]): Gate {
  return { gate: name, qubits, params };
}

function circuit(target: Target, qubits: number, gates: readonly Gate[]): NativeGateIR {
  return {
    version: '1.0',
    target,
    num_qubits: qubits,
    gates,
    measurements: Array.from({ length: qubits }, (_, qubit) => qubit),
    metadata: {
      source_hash: createHash('sha256').update(JSON.stringify(gates)).digest('hex'),
      compiled_at: new Date().toISOString(),
      compiler_version: '0.1.0',
      optimization_level: 0,
    },
  };
}

function halfAndHalf(
  counts: Readonly<Record<string, number>>,
  shots: number,
  zeros: string,
  ones: string,
): Verdict {
  const fault = shapeFault(counts, shots, zeros.length);
  if (fault !== undefined) return fault;
  const other = Object.entries(counts).find(
    ([outcome, count]) => count > 0 && outcome !== zeros && outcome !== ones,
  );
  if (other !== undefined) return wrong(`${other[0]} was measured ${other[1]} times, which physics forbids`);
  const measured = counts[zeros] ?? 0;
  // The standard deviation of a fair coin's heads in `shots` throws.
  const sigma = Math.sqrt(shots) / 2;
  if (Math.abs(measured - shots / 2) > SIGMAS * sigma) {
    return wrong(
      `${zeros} was measured ${measured} times of ${shots}, more than ${SIGMAS} sigma from one half`,
    );
  }
  return { ok: true, reason: `only ${zeros} and ${ones}, each about half` };
}

function shapeFault(
  counts: Readonly<Record<string, number>>,
  shots: number,
  width: number,
): Verdict | undefined {
  const misfit = Object.keys(counts).find((outcome) => outcome.length !== width || !/^[01]*$/.test(outcome));
  if (misfit !== undefined) return wrong(`'${misfit}' is not a bitstring of ${width}`);
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return total === shots ? undefined : wrong(`the counts add up to ${total}, not to ${shots}`);
}

function wrong(reason: string): Verdict {
  return { ok: false, reason };
}

/** Numbers in [0, 1) from a 32-bit xorshift: simple, and good enough for angles. */
function randomNumbers(seed: number): () => number {
  // Spread the seed over all bits, since neighbouring seeds would begin alike; zero would stay zero.
  let state = Math.imul(seed ^ 0x5bd1e995, 0x9e3779b1) || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
