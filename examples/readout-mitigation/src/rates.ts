// The calibration file: how often each qubit is read wrong. The plugin `calibration` writes it; any other program may.
import { readFile } from 'node:fs/promises';

/** Two probabilities. */
export interface ReadoutRates {
  readonly readsOneIfZero: number;
  readonly readsZeroIfOne: number;
}

export interface Rates {
  readonly id: string;
  /** By the number of the qubit. */
  readonly qubits: readonly ReadoutRates[];
}

/** Read for each job: it is small, and always the latest. Throws an error that names the file. */
export async function readRates(file: string): Promise<Rates> {
  const value = JSON.parse(await readFile(file, 'utf8')) as { id?: unknown; qubits?: unknown } | null;
  const qubits = value?.qubits;
  if (!Array.isArray(qubits) || !qubits.every(isRates)) {
    throw new Error(
      `${file} has no list \`qubits\` of { readsOneIfZero, readsZeroIfOne }, probabilities that are below 1 together`,
    );
  }
  return { id: typeof value?.id === 'string' ? value.id : file, qubits };
}

function isRates(value: unknown): value is ReadoutRates {
  if (typeof value !== 'object' || value === null) return false;
  const { readsOneIfZero: one, readsZeroIfOne: zero } = value as Partial<ReadoutRates>;
  // With 1 or more, what is read says nothing of the qubit, or the contrary.
  return isProbability(one) && isProbability(zero) && one + zero < 1;
}

function isProbability(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 1;
}
