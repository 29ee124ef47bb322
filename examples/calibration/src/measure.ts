// Measures how often each qubit is read wrong, with two circuits: all qubits left in 0, and all turned to 1.
import { validateIr, type Executor, type NativeGateIR, type RunContext } from 'coda-node';
import type { QubitReadout } from './calibration.ts';

export async function measureReadout(
  executor: Executor,
  target: string,
  numQubits: number,
  shots: number,
  context: RunContext,
): Promise<QubitReadout[]> {
  const onesOf = async (turned: boolean): Promise<number[]> => {
    context.signal.throwIfAborted();
    const { counts } = await executor.run(circuit(target, numQubits, turned), shots, context);
    return shareOfOnes(counts, numQubits);
  };
  const ifZero = await onesOf(false);
  const ifOne = await onesOf(true);
  return ifZero.map((readsOneIfZero, qubit) => ({ readsOneIfZero, readsZeroIfOne: 1 - (ifOne[qubit] ?? 0) }));
}

/** `rx` is a gate of every target. */
function circuit(target: string, numQubits: number, turned: boolean): NativeGateIR {
  const qubits = Array.from({ length: numQubits }, (_, qubit) => qubit);
  return validateIr({
    version: '1.0',
    target,
    num_qubits: numQubits,
    gates: turned ? qubits.map((qubit) => ({ gate: 'rx', qubits: [qubit], params: [Math.PI] })) : [],
    measurements: qubits,
    metadata: { source_hash: 'readout-calibration', compiled_at: new Date().toISOString() },
  });
}

/** How often each qubit was read as 1; the first character of a bitstring is qubit 0. */
function shareOfOnes(counts: Readonly<Record<string, number>>, numQubits: number): number[] {
  const ones = Array.from({ length: numQubits }, () => 0);
  let shots = 0;
  for (const [bits, count] of Object.entries(counts)) {
    shots += count;
    for (let qubit = 0; qubit < numQubits; qubit += 1)
      if (bits[qubit] === '1') ones[qubit] = (ones[qubit] ?? 0) + count;
  }
  if (shots === 0) throw new Error('the device returned no counts for a calibration circuit');
  return ones.map((count) => count / shots);
}
