// A calibration of the readout, and its file, which other plugins may read too.
import { readFile, rename, writeFile } from 'node:fs/promises';

/** How often a qubit is read wrong: two probabilities. */
export interface QubitReadout {
  readonly readsOneIfZero: number;
  readonly readsZeroIfOne: number;
}

export interface Calibration {
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** By the number of the qubit. */
  readonly qubits: readonly QubitReadout[];
}

/** Undefined if there is none yet. Throws if the file is there and cannot be used. */
export async function readCalibration(file: string): Promise<Calibration | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return undefined;
    throw thrown;
  }
  const value = JSON.parse(text) as Partial<Calibration> | null;
  if (
    typeof value?.id === 'string' &&
    !Number.isNaN(Date.parse(value.at ?? '')) &&
    Array.isArray(value.qubits)
  ) {
    return value as Calibration;
  }
  throw new Error(`${file} holds no calibration; remove it to have a new one made`);
}

/** Whoever reads the file sees the old calibration or the new one, never a half. */
export async function writeCalibration(file: string, calibration: Calibration): Promise<void> {
  await writeFile(`${file}.new`, `${JSON.stringify(calibration, undefined, 2)}\n`);
  await rename(`${file}.new`, file);
}

/** The largest error rate. */
export function worstOf({ qubits }: Calibration): number {
  return Math.max(
    0,
    ...qubits.flatMap(({ readsOneIfZero, readsZeroIfOne }) => [readsOneIfZero, readsZeroIfOne]),
  );
}

/** The largest change of an error rate, of the qubits that are in both. */
export function driftBetween(before: Calibration, now: Calibration): number {
  const changes = now.qubits.flatMap(({ readsOneIfZero, readsZeroIfOne }, qubit) => {
    const old = before.qubits[qubit];
    if (old === undefined) return [];
    return [Math.abs(readsOneIfZero - old.readsOneIfZero), Math.abs(readsZeroIfOne - old.readsZeroIfOne)];
  });
  return Math.max(0, ...changes);
}
