// From measured counts to those of a device that reads its qubits right. The errors of the qubits are taken as independent.
//
//   counts -> probabilities -> inverse of each qubit's error matrix -> quasi-probabilities, some below 0
//          -> the nearest probabilities -> whole numbers with the same sum, which is what the cloud takes
import type { ReadoutRates } from './rates.ts';

type Counts = Readonly<Record<string, number>>;

export interface Mitigated {
  readonly counts: Record<string, number>;
  /** The sum of the quasi-probabilities below 0: what the calibration cannot explain. Far from 0, it is out of date. */
  readonly negative: number;
}

/** `measured` has the qubit of each character of the bitstrings. */
export function mitigate(
  counts: Counts,
  measured: readonly number[],
  rates: readonly ReadoutRates[],
): Mitigated {
  const bits = measured.length;
  const shots = Object.values(counts).reduce((sum, count) => sum + count, 0);
  if (shots === 0) return { counts: { ...counts }, negative: 0 };
  const values = new Float64Array(2 ** bits);
  for (const [outcome, count] of Object.entries(counts)) values[Number.parseInt(outcome, 2)] = count / shots;
  for (const [at, qubit] of measured.entries()) {
    const rate = rates[qubit];
    if (rate === undefined)
      throw new Error(`the calibration has ${rates.length} qubits, and none of the number ${qubit}`);
    undo(values, bits - 1 - at, rate);
  }
  const negative = values.reduce((sum, value) => sum + Math.min(value, 0), 0);
  toProbabilities(values);
  const whole = toWholeNumbers(values, shots);
  return { counts: withNames(whole, bits), negative: Number(negative.toFixed(6)) };
}

/** Applies the inverse of one qubit's error matrix, in place. */
function undo(values: Float64Array, bit: number, { readsOneIfZero, readsZeroIfOne }: ReadoutRates): void {
  const scale = 1 / (1 - readsOneIfZero - readsZeroIfOne);
  const step = 2 ** bit;
  for (let zero = 0; zero < values.length; zero += 1) {
    if ((zero & step) !== 0) continue;
    const one = zero | step;
    const [readZero = 0, readOne = 0] = [values[zero], values[one]];
    values[zero] = scale * ((1 - readsZeroIfOne) * readZero - readsZeroIfOne * readOne);
    values[one] = scale * ((1 - readsOneIfZero) * readOne - readsOneIfZero * readZero);
  }
}

/** The nearest point, by the squares of the distances, with nothing below 0 and a sum of 1, in place (Smolin, Gambetta and
 *  Smith, Phys. Rev. Lett. 108, 070502). */
function toProbabilities(values: Float64Array): void {
  const ascending = values.toSorted();
  let debt = 0;
  let left = ascending.length;
  for (const value of ascending) {
    if (value + debt / left >= 0) break;
    debt += value;
    left -= 1;
  }
  const limit = ascending[ascending.length - left] ?? 0;
  values.forEach((value, i) => {
    values[i] = value < limit ? 0 : Math.max(0, value + debt / left);
  });
}

/** Rounds down, and gives what is left to those that lost most. */
function toWholeNumbers(probabilities: Float64Array, shots: number): number[] {
  const whole = Array.from(probabilities, (value) => Math.floor(value * shots));
  const left = shots - whole.reduce((sum, count) => sum + count, 0);
  const byLoss = Array.from(probabilities.keys()).toSorted((a, b) => lossOf(b) - lossOf(a));
  for (const i of byLoss.slice(0, left)) whole[i] = (whole[i] ?? 0) + 1;
  return whole;

  function lossOf(i: number): number {
    return (probabilities[i] ?? 0) * shots - (whole[i] ?? 0);
  }
}

function withNames(whole: readonly number[], bits: number): Record<string, number> {
  const named = whole.flatMap((count, i) =>
    count > 0 ? [[i.toString(2).padStart(bits, '0'), count] as const] : [],
  );
  return Object.fromEntries(named);
}
