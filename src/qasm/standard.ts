// The gates that a program need not define: those of stdgates.inc and qelib1.inc, as Qiskit and Braket call them too, and
// the native ones. They are there without an `include`, and a program that defines one itself means its own.
import type { GateName } from '../protocol/ir.ts';
import type { GateDefinition } from './gate.ts';
import { NO_TURN, phase, rx, ry, rz, turnOf, type Turn } from './turn.ts';

const { PI } = Math;

type OneQubit = readonly [params: number, turn: (...params: readonly number[]) => Turn, native?: GateName];

const X: OneQubit = [0, () => turnOf(PI, 0, PI)];
const SX: OneQubit = [0, () => turnOf(PI / 2, -PI / 2, PI / 2, PI / 4)];
const SXDG: OneQubit = [0, () => turnOf(PI / 2, PI / 2, -PI / 2, -PI / 4)];
const S: OneQubit = [0, () => phase(PI / 2)];
const SDG: OneQubit = [0, () => phase(-PI / 2)];
const T: OneQubit = [0, () => phase(PI / 4)];
const TDG: OneQubit = [0, () => phase(-PI / 4)];
const P: OneQubit = [1, (l = 0) => phase(l)];
const ID: OneQubit = [0, () => NO_TURN, 'id'];
/**
 * The phase, which only a control shows, is that of OpenQASM 2, Qiskit and Braket: `ctrl @ U(pi, 0, pi)` is cx. A later text
 * of OpenQASM 3 has another one, which no tool has taken over.
 */
const U: OneQubit = [3, (t = 0, f = 0, l = 0) => turnOf(t, f, l)];
const PRX: OneQubit = [2, (t = 0, f = 0) => turnOf(t, f - PI / 2, PI / 2 - f)];

const ONE_QUBIT: Readonly<Record<string, OneQubit>> = {
  id: ID,
  i: ID,
  x: X,
  y: [0, () => turnOf(PI, PI / 2, PI / 2)],
  z: [0, () => phase(PI)],
  h: [0, () => turnOf(PI / 2, 0, PI)],
  s: S,
  sdg: SDG,
  si: SDG,
  t: T,
  tdg: TDG,
  ti: TDG,
  sx: SX,
  v: SX,
  sxdg: SXDG,
  vi: SXDG,
  rx: [1, (t = 0) => rx(t), 'rx'],
  ry: [1, (t = 0) => ry(t), 'ry'],
  rz: [1, (t = 0) => rz(t), 'rz'],
  virtual_z: [1, (t = 0) => rz(t), 'virtual_z'],
  x90: [0, () => rx(PI / 2), 'x90'],
  y_minus_90: [0, () => ry(-PI / 2), 'y_minus_90'],
  p: P,
  phase: P,
  phaseshift: P,
  u1: P,
  u: U,
  U,
  u2: [2, (f = 0, l = 0) => turnOf(PI / 2, f, l)],
  u3: U,
  u0: [1, () => NO_TURN],
  r: PRX,
  prx: PRX,
  gpi: [1, (f = 0) => turnOf(PI, f, PI - f)],
  gpi2: [1, (f = 0) => turnOf(PI / 2, f - PI / 2, PI / 2 - f)],
};

/** Controlled gates: what they control, by how many qubits, and what they are natively. */
const CONTROLLED: Readonly<
  Record<string, readonly [base: OneQubit | string, controls: number, native?: GateName]>
> = {
  cx: ['x', 1, 'cnot'],
  CX: ['x', 1, 'cnot'],
  cnot: ['x', 1, 'cnot'],
  cy: ['y', 1],
  cz: ['z', 1, 'cz'],
  ch: ['h', 1],
  cs: ['s', 1],
  csdg: ['sdg', 1],
  csx: ['sx', 1],
  cv: ['sx', 1],
  cp: ['p', 1, 'cp'],
  cphase: ['p', 1, 'cp'],
  cphaseshift: ['p', 1, 'cp'],
  cu1: ['p', 1, 'cp'],
  crx: ['rx', 1],
  cry: ['ry', 1],
  crz: ['rz', 1],
  cu: [[4, (t = 0, f = 0, l = 0, g = 0) => turnOf(t, f, l, g)], 1],
  cu3: [U, 1],
  ccx: ['x', 2],
  ccnot: ['x', 2],
  ccz: ['z', 2],
  c3x: ['x', 3],
  c3sqrtx: ['sx', 3],
  c3sx: ['sx', 3],
  c4x: ['x', 4],
};

/** Gates that are made of others, in OpenQASM. */
const COMPOSED: Readonly<Record<string, string>> = {
  rzz: '(t) a, b { gphase(-t / 2); p(t) a; p(t) b; cp(-2 * t) a, b; }',
  zz: '(t) a, b { rzz(t) a, b; }',
  rxx: '(t) a, b { ry(-pi / 2) a; ry(-pi / 2) b; rzz(t) a, b; ry(pi / 2) a; ry(pi / 2) b; }',
  xx: '(t) a, b { rxx(t) a, b; }',
  ryy: '(t) a, b { rx(pi / 2) a; rx(pi / 2) b; rzz(t) a, b; rx(-pi / 2) a; rx(-pi / 2) b; }',
  yy: '(t) a, b { ryy(t) a, b; }',
  xy: '(t) a, b { rxx(-t / 2) a, b; ryy(-t / 2) a, b; }',
  rzx: '(t) a, b { ry(-pi / 2) b; rzz(t) a, b; ry(pi / 2) b; }',
  ecr: 'a, b { gphase(-pi / 4); s a; sx b; cx a, b; x a; }',
  dcx: 'a, b { cx a, b; cx b, a; }',
  pswap: '(t) a, b { cx a, b; p(t) b; cx a, b; swap a, b; }',
  cswap: 'a, b, c { ctrl @ swap a, b, c; }',
  rccx: 'a, b, c { h c; t c; cx b, c; tdg c; cx a, c; t c; cx b, c; tdg c; h c; }',
  rc3x:
    'a, b, c, d { h d; t d; cx c, d; tdg d; h d; cx a, d; t d; cx b, d; tdg d; cx a, d; t d; cx b, d; tdg d; ' +
    'h d; t d; cx c, d; tdg d; h d; }',
  cphaseshift00: '(t) a, b { negctrl(2) @ gphase(t) a, b; }',
  cphaseshift01: '(t) a, b { negctrl @ p(t) a, b; }',
  cphaseshift10: '(t) a, b { negctrl @ p(t) b, a; }',
};

const OTHERS: Readonly<Record<string, GateDefinition>> = {
  gphase: { name: 'gphase', params: 1, qubits: 0, depth: 0, body: { kind: 'phase' } },
  swap: { name: 'swap', params: 0, qubits: 2, depth: 0, body: { kind: 'swap' } },
  iswap: { name: 'iswap', params: 0, qubits: 2, native: 'iswap', depth: 0, body: { kind: 'iswap' } },
};

/** The standard gates of one program; a definition in OpenQASM is read by `readDefinition` when it is first used. */
export class Standard {
  readonly #found = new Map<string, GateDefinition>();
  readonly #readDefinition: (text: string, standard: Standard) => GateDefinition;

  constructor(readDefinition: (text: string, standard: Standard) => GateDefinition) {
    this.#readDefinition = readDefinition;
  }

  names(): readonly string[] {
    return [ONE_QUBIT, CONTROLLED, COMPOSED, OTHERS].flatMap((table) => Object.keys(table));
  }

  find(name: string): GateDefinition | undefined {
    const known = this.#found.get(name);
    if (known !== undefined) return known;
    const found = this.#make(name);
    if (found !== undefined) this.#found.set(name, found);
    return found;
  }

  #make(name: string): GateDefinition | undefined {
    const one = own(ONE_QUBIT, name);
    if (one !== undefined) return turnGate(name, one, 0, one[2]);
    const controlled = own(CONTROLLED, name);
    if (controlled !== undefined) {
      const [named, controls, native] = controlled;
      const base = typeof named === 'string' ? own(ONE_QUBIT, named) : named;
      return base && turnGate(name, base, controls, native);
    }
    const text = own(COMPOSED, name);
    if (text !== undefined) return this.#readDefinition(`gate ${name} ${text}`, this);
    return own(OTHERS, name);
  }
}

function turnGate(
  name: string,
  [params, turn]: OneQubit,
  controls: number,
  native: GateName | undefined,
): GateDefinition {
  const body = { kind: 'turn', controls, turn } as const;
  return { name, params, qubits: controls + 1, depth: 0, body, ...(native === undefined ? {} : { native }) };
}

function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
