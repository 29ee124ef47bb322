// The textbook's matrices of all gates that the reader knows, written down here a second time, and a small simulation of
// the native gates. The first qubit is the lowest bit of an index.
import { applyGate, groundState } from '../../plugins/simulator/statevector.ts';
import type { Gate } from '../../src/protocol/ir.ts';

const { PI, SQRT1_2, cos, sin, sqrt } = Math;

export type Complex = readonly [re: number, im: number];
/** Row by row. */
export type Matrix = readonly (readonly Complex[])[];
export type OfAngles = (...angles: readonly number[]) => Matrix;

const i = (x: number): Complex => [0, x];
const r = (x: number): Complex => [x, 0];
const e = (phi: number): Complex => [cos(phi), sin(phi)];
const times = ([a, b]: Complex, [c, d]: Complex): Complex => [a * c - b * d, a * d + b * c];
const plus = ([a, b]: Complex, [c, d]: Complex): Complex => [a + c, b + d];
const zero = r(0);
const one = r(1);

export function identity(size: number): Matrix {
  return Array.from({ length: size }, (_, row) =>
    Array.from({ length: size }, (__, column) => (row === column ? one : zero)),
  );
}

export function product(a: Matrix, b: Matrix): Matrix {
  return a.map((row) =>
    (b[0] ?? []).map((_, column) =>
      row.reduce((sum, entry, k) => plus(sum, times(entry, b[k]?.[column] ?? zero)), zero),
    ),
  );
}

const scaled = (factor: Complex, matrix: Matrix): Matrix =>
  matrix.map((row) => row.map((entry) => times(factor, entry)));
const sum = (a: Matrix, b: Matrix): Matrix =>
  a.map((row, k) => row.map((entry, l) => plus(entry, b[k]?.[l] ?? zero)));
export const adjoint = (a: Matrix): Matrix =>
  a.map((row, k) => row.map((_, l): Complex => [a[l]?.[k]?.[0] ?? 0, -(a[l]?.[k]?.[1] ?? 0)]));

/** `first` acts on the lower bits. */
function tensor(first: Matrix, second: Matrix): Matrix {
  const size = first.length;
  return Array.from({ length: size * second.length }, (_, row) =>
    Array.from({ length: size * second.length }, (__, column) =>
      times(
        first[row % size]?.[column % size] ?? zero,
        second[Math.floor(row / size)]?.[Math.floor(column / size)] ?? zero,
      ),
    ),
  );
}

/** `matrix` on its qubits if `controls` qubits before them are all 1 (or 0 where `zeros` has them). */
export function controlled(controls: number, matrix: Matrix, zeros: readonly number[] = []): Matrix {
  const wanted = Array.from({ length: controls }, (_, k) => (zeros.includes(k) ? 0 : 2 ** k)).reduce(
    (a, b) => a + b,
    0,
  );
  const size = 2 ** controls;
  return Array.from({ length: size * matrix.length }, (_, row) =>
    Array.from({ length: size * matrix.length }, (__, column) => {
      if (row % size !== column % size) return zero;
      if (row % size !== wanted) return row === column ? one : zero;
      return matrix[Math.floor(row / size)]?.[Math.floor(column / size)] ?? zero;
    }),
  );
}

const X: Matrix = [
  [zero, one],
  [one, zero],
];
const Y: Matrix = [
  [zero, i(-1)],
  [i(1), zero],
];
const Z: Matrix = [
  [one, zero],
  [zero, r(-1)],
];
const I = identity(2);
const H: Matrix = [
  [r(SQRT1_2), r(SQRT1_2)],
  [r(SQRT1_2), r(-SQRT1_2)],
];
const SX: Matrix = [
  [
    [0.5, 0.5],
    [0.5, -0.5],
  ],
  [
    [0.5, -0.5],
    [0.5, 0.5],
  ],
];
const p: OfAngles = (l = 0) => [
  [one, zero],
  [zero, e(l)],
];
/** exp(−iθ/2·A) for A² = 1. */
const exponential = (theta: number, a: Matrix): Matrix =>
  sum(scaled(r(cos(theta / 2)), identity(a.length)), scaled(i(-sin(theta / 2)), a));
const u: OfAngles = (t = 0, f = 0, l = 0) => [
  [r(cos(t / 2)), times(r(-sin(t / 2)), e(l))],
  [times(r(sin(t / 2)), e(f)), times(r(cos(t / 2)), e(f + l))],
];
const rx: OfAngles = (t = 0) => exponential(t, X);
const ry: OfAngles = (t = 0) => exponential(t, Y);
const rz: OfAngles = (t = 0) => exponential(t, Z);
const prx: OfAngles = (t = 0, f = 0) => exponential(t, sum(scaled(r(cos(f)), X), scaled(r(sin(f)), Y)));
const rzz: OfAngles = (t = 0) => exponential(t, tensor(Z, Z));
const rxx: OfAngles = (t = 0) => exponential(t, tensor(X, X));
const ryy: OfAngles = (t = 0) => exponential(t, tensor(Y, Y));
const swapWith = (factor: Complex): Matrix => [
  [one, zero, zero, zero],
  [zero, zero, factor, zero],
  [zero, factor, zero, zero],
  [zero, zero, zero, one],
];
const diagonal = (...entries: readonly Complex[]): Matrix =>
  entries.map((entry, row) => entries.map((_, column) => (row === column ? entry : zero)));
const fixed =
  (matrix: Matrix): OfAngles =>
  () =>
    matrix;

/** Name -> how many angles, how many qubits, the matrix. */
export const GATES_BY_NAME: Readonly<
  Record<string, readonly [angles: number, qubits: number, matrix: OfAngles]>
> = {
  id: [0, 1, fixed(I)],
  i: [0, 1, fixed(I)],
  x: [0, 1, fixed(X)],
  y: [0, 1, fixed(Y)],
  z: [0, 1, fixed(Z)],
  h: [0, 1, fixed(H)],
  s: [0, 1, () => p(PI / 2)],
  sdg: [0, 1, () => p(-PI / 2)],
  si: [0, 1, () => p(-PI / 2)],
  t: [0, 1, () => p(PI / 4)],
  tdg: [0, 1, () => p(-PI / 4)],
  ti: [0, 1, () => p(-PI / 4)],
  sx: [0, 1, fixed(SX)],
  v: [0, 1, fixed(SX)],
  sxdg: [0, 1, () => adjoint(SX)],
  vi: [0, 1, () => adjoint(SX)],
  rx: [1, 1, rx],
  ry: [1, 1, ry],
  rz: [1, 1, rz],
  virtual_z: [1, 1, rz],
  x90: [0, 1, () => rx(PI / 2)],
  y_minus_90: [0, 1, () => ry(-PI / 2)],
  p: [1, 1, p],
  phase: [1, 1, p],
  phaseshift: [1, 1, p],
  u1: [1, 1, p],
  u2: [2, 1, (f = 0, l = 0) => u(PI / 2, f, l)],
  u3: [3, 1, u],
  u: [3, 1, u],
  U: [3, 1, u],
  u0: [1, 1, fixed(I)],
  r: [2, 1, prx],
  prx: [2, 1, prx],
  gpi: [
    1,
    1,
    (f = 0) => [
      [zero, e(-f)],
      [e(f), zero],
    ],
  ],
  gpi2: [
    1,
    1,
    (f = 0) =>
      scaled(r(SQRT1_2), [
        [one, times(i(-1), e(-f))],
        [times(i(-1), e(f)), one],
      ]),
  ],
  cx: [0, 2, () => controlled(1, X)],
  CX: [0, 2, () => controlled(1, X)],
  cnot: [0, 2, () => controlled(1, X)],
  cy: [0, 2, () => controlled(1, Y)],
  cz: [0, 2, () => controlled(1, Z)],
  ch: [0, 2, () => controlled(1, H)],
  cs: [0, 2, () => controlled(1, p(PI / 2))],
  csdg: [0, 2, () => controlled(1, p(-PI / 2))],
  csx: [0, 2, () => controlled(1, SX)],
  cv: [0, 2, () => controlled(1, SX)],
  cp: [1, 2, (l = 0) => controlled(1, p(l))],
  cphase: [1, 2, (l = 0) => controlled(1, p(l))],
  cphaseshift: [1, 2, (l = 0) => controlled(1, p(l))],
  cu1: [1, 2, (l = 0) => controlled(1, p(l))],
  crx: [1, 2, (t = 0) => controlled(1, rx(t))],
  cry: [1, 2, (t = 0) => controlled(1, ry(t))],
  crz: [1, 2, (t = 0) => controlled(1, rz(t))],
  cu: [4, 2, (t = 0, f = 0, l = 0, g = 0) => controlled(1, scaled(e(g), u(t, f, l)))],
  cu3: [3, 2, (t = 0, f = 0, l = 0) => controlled(1, u(t, f, l))],
  swap: [0, 2, () => swapWith(one)],
  iswap: [0, 2, () => swapWith(i(1))],
  pswap: [1, 2, (f = 0) => swapWith(e(f))],
  rzz: [1, 2, rzz],
  zz: [1, 2, rzz],
  rxx: [1, 2, rxx],
  xx: [1, 2, rxx],
  ryy: [1, 2, ryy],
  yy: [1, 2, ryy],
  xy: [
    1,
    2,
    (t = 0) => [
      [one, zero, zero, zero],
      [zero, r(cos(t / 2)), i(sin(t / 2)), zero],
      [zero, i(sin(t / 2)), r(cos(t / 2)), zero],
      [zero, zero, zero, one],
    ],
  ],
  rzx: [1, 2, (t = 0) => exponential(t, tensor(Z, X))],
  // (X ⊗ 1 − Y ⊗ X)/√2 with the first qubit first.
  ecr: [0, 2, () => scaled(r(1 / sqrt(2)), sum(tensor(X, I), scaled(r(-1), tensor(Y, X))))],
  dcx: [
    0,
    2,
    () => [
      [one, zero, zero, zero],
      [zero, zero, zero, one],
      [zero, one, zero, zero],
      [zero, zero, one, zero],
    ],
  ],
  cphaseshift00: [1, 2, (l = 0) => diagonal(e(l), one, one, one)],
  cphaseshift01: [1, 2, (l = 0) => diagonal(one, one, e(l), one)],
  cphaseshift10: [1, 2, (l = 0) => diagonal(one, e(l), one, one)],
  ccx: [0, 3, () => controlled(2, X)],
  ccnot: [0, 3, () => controlled(2, X)],
  ccz: [0, 3, () => controlled(2, Z)],
  cswap: [0, 3, () => controlled(1, swapWith(one))],
  c3x: [0, 4, () => controlled(3, X)],
  c3sx: [0, 4, () => controlled(3, SX)],
  c3sqrtx: [0, 4, () => controlled(3, SX)],
  c4x: [0, 5, () => controlled(4, X)],
};

/** The unitary of a circuit of native gates, column by column in time: entry [row][column]. */
export function unitaryOf(qubits: number, gates: readonly Gate[]): Matrix {
  const size = 2 ** qubits;
  const columns = Array.from({ length: size }, (_, column) => {
    const state = groundState(qubits);
    state.re[0] = 0;
    state.re[column] = 1;
    for (const gate of gates) applyGate(state, gate.gate, gate.qubits, gate.params);
    return state;
  });
  return Array.from({ length: size }, (_, row) =>
    columns.map(({ re, im }): Complex => [re[row] ?? 0, im[row] ?? 0]),
  );
}

/** 0 if two unitaries are equal up to a global phase: the largest difference of their entries. */
export function distance(a: Matrix, b: Matrix): number {
  const overlap = a.reduce(
    (all, row, k) =>
      row.reduce((inner, [re, im], l) => plus(inner, times([re, -im], b[k]?.[l] ?? zero)), all),
    zero,
  );
  const size = Math.hypot(...overlap);
  const phase: Complex = size === 0 ? one : [overlap[0] / size, overlap[1] / size];
  const differences = a.flatMap((row, k) =>
    row.map((entry, l) => {
      const [re, im] = times(phase, entry);
      const [re2, im2] = b[k]?.[l] ?? zero;
      return Math.hypot(re - re2, im - im2);
    }),
  );
  return Math.max(...differences);
}
