// The state-vector kernel: 2^n complex amplitudes and the eleven native gates that change them.
// Position p of the register is bit p of an amplitude's index.
import { ExecutorError, type GateName } from '../../src/index.ts';

/** A pure state of `qubits` qubits; both arrays have 2^qubits entries. */
export interface StateVector {
  readonly qubits: number;
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/** A 2x2 matrix row by row, each entry as real part, imaginary part. */
type Matrix2 = readonly [number, number, number, number, number, number, number, number];

/** |0…0⟩. */
export function groundState(qubits: number): StateVector {
  const size = 2 ** qubits;
  const re = new Float64Array(size);
  re[0] = 1;
  return { qubits, re, im: new Float64Array(size) };
}

/**
 * Applies one native gate of PROTOCOL §4 in place. `at` holds register positions (`cnot`: control,
 * target), `params` the gate's angle in radians. Rotations are exp(-iθP/2); `x90` is rx(π/2) and
 * `y_minus_90` is ry(-π/2). `virtual_z` has the matrix of `rz`: as a change of frame it is defined
 * only up to a global phase, which no measurement sees. `cp` multiplies |11⟩ by exp(iφ), `cz` by -1;
 * `iswap` swaps with a factor of +i; `id` changes nothing. Throws ExecutorError for any other gate.
 */
export function applyGate(
  state: StateVector,
  gate: GateName,
  at: readonly number[],
  params: readonly number[],
): void {
  // The circuit is validated, so there are as many positions and angles as the gate takes.
  const first = 1 << at[0]!;
  const second = 1 << at[1]!;
  const angle = params[0]!;
  switch (gate) {
    case 'id':
      return;
    case 'rx':
      return applyMatrix(state, first, rx(angle));
    case 'x90':
      return applyMatrix(state, first, rx(Math.PI / 2));
    case 'ry':
      return applyMatrix(state, first, ry(angle));
    case 'y_minus_90':
      return applyMatrix(state, first, ry(-Math.PI / 2));
    case 'rz':
    case 'virtual_z':
      return applyMatrix(state, first, rz(angle));
    case 'cz':
      return phaseBoth(state, first | second, -1, 0);
    case 'cp':
      return phaseBoth(state, first | second, Math.cos(angle), Math.sin(angle));
    case 'cnot':
      return cnot(state, first, second);
    case 'iswap':
      return iswap(state, first, second);
    default:
      return unknownGate(gate);
  }
}

function rx(theta: number): Matrix2 {
  const c = Math.cos(theta / 2);
  const s = Math.sin(theta / 2);
  return [c, 0, 0, -s, 0, -s, c, 0];
}

function ry(theta: number): Matrix2 {
  const c = Math.cos(theta / 2);
  const s = Math.sin(theta / 2);
  return [c, 0, -s, 0, s, 0, c, 0];
}

function rz(theta: number): Matrix2 {
  const c = Math.cos(theta / 2);
  const s = Math.sin(theta / 2);
  return [c, -s, 0, 0, 0, 0, c, s];
}

function applyMatrix({ re, im }: StateVector, bit: number, matrix: Matrix2): void {
  const [aRe, aIm, bRe, bIm, cRe, cIm, dRe, dIm] = matrix;
  for (let block = 0; block < re.length; block += 2 * bit) {
    for (let zero = block; zero < block + bit; zero++) {
      const one = zero + bit;
      const zeroRe = re[zero]!;
      const zeroIm = im[zero]!;
      const oneRe = re[one]!;
      const oneIm = im[one]!;
      re[zero] = aRe * zeroRe - aIm * zeroIm + bRe * oneRe - bIm * oneIm;
      im[zero] = aRe * zeroIm + aIm * zeroRe + bRe * oneIm + bIm * oneRe;
      re[one] = cRe * zeroRe - cIm * zeroIm + dRe * oneRe - dIm * oneIm;
      im[one] = cRe * zeroIm + cIm * zeroRe + dRe * oneIm + dIm * oneRe;
    }
  }
}

function phaseBoth({ re, im }: StateVector, bits: number, phaseRe: number, phaseIm: number): void {
  for (let i = bits; i < re.length; i++) {
    if ((i & bits) !== bits) continue;
    const iRe = re[i]!;
    const iIm = im[i]!;
    re[i] = phaseRe * iRe - phaseIm * iIm;
    im[i] = phaseRe * iIm + phaseIm * iRe;
  }
}

function cnot({ re, im }: StateVector, control: number, target: number): void {
  for (let zero = control; zero < re.length; zero++) {
    if ((zero & control) === 0 || (zero & target) !== 0) continue;
    const one = zero | target;
    const zeroRe = re[zero]!;
    const zeroIm = im[zero]!;
    re[zero] = re[one]!;
    im[zero] = im[one]!;
    re[one] = zeroRe;
    im[one] = zeroIm;
  }
}

function iswap({ re, im }: StateVector, a: number, b: number): void {
  for (let i = a; i < re.length; i++) {
    if ((i & a) === 0 || (i & b) !== 0) continue;
    const j = i ^ a ^ b;
    const iRe = re[i]!;
    const iIm = im[i]!;
    re[i] = -im[j]!;
    im[i] = re[j]!;
    re[j] = -iIm;
    im[j] = iRe;
  }
}

function unknownGate(gate: never): never {
  throw new ExecutorError(`the simulator knows no gate '${String(gate)}'`, {
    remedy: 'Use the native gates of NativeGateIR 1.0',
  });
}

/**
 * The distribution of measuring the register positions `at` (no position twice): entry k is the
 * probability of the outcome whose j-th bit (value 2^j) is the bit at `at[j]`. 2^at.length entries.
 */
export function probabilities({ re, im }: StateVector, at: readonly number[]): Float64Array {
  const result = new Float64Array(2 ** at.length);
  for (let i = 0; i < re.length; i++) {
    let outcome = 0;
    for (let j = 0; j < at.length; j++) outcome |= ((i >> at[j]!) & 1) << j;
    result[outcome] = result[outcome]! + re[i]! ** 2 + im[i]! ** 2;
  }
  return result;
}
