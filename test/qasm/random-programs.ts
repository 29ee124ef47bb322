// Random programs in OpenQASM 3 and 2 with what both this reader and Qiskit take: gates of the standard files, gates of
// their own, expressions, registers, broadcasts, modifiers.
import { GATES_BY_NAME } from './matrices.ts';

export interface RandomProgram {
  readonly version: 2 | 3;
  readonly text: string;
}

const OF_BOTH = [
  'x',
  'y',
  'z',
  'h',
  's',
  'sdg',
  't',
  'tdg',
  'sx',
  'rx',
  'ry',
  'rz',
  'p',
  'u1',
  'u2',
  'u3',
  'id',
];
const TWO_OF_BOTH = ['cx', 'cy', 'cz', 'ch', 'cp', 'crx', 'cry', 'crz', 'cu', 'swap'];
const GATES = {
  2: [...OF_BOTH, 'u', 'sxdg', ...TWO_OF_BOTH, 'cu1', 'cu3', 'csx', 'rxx', 'rzz', 'ccx', 'cswap'],
  3: [...OF_BOTH, 'U', 'phase', ...TWO_OF_BOTH, 'cphase', 'CX', 'ccx', 'cswap'],
} as const;

export function randomProgram(seed: number): RandomProgram {
  const draw = numbersFrom(seed);
  const version = seed % 2 === 0 ? 2 : 3;
  const qubits = 2 + draw.below(2);
  const lines = [
    ...(version === 2
      ? ['OPENQASM 2.0;', 'include "qelib1.inc";']
      : ['OPENQASM 3.0;', 'include "stdgates.inc";']),
    `gate own(a, b) x, y { rx(a / 2) x; ${version === 2 ? 'u1(-a)' : 'p(-a)'} y; cx x, y; ry(a + 3 * b) y; cz y, x; }`,
    'gate twice(t) x { own_h x; rz(t) x; own_h x; }'.replaceAll('own_h', 'h'),
    version === 2 ? `qreg q[${qubits - 1}]; qreg r[1];` : `qubit[${qubits - 1}] q; qubit[1] r;`,
    ...Array.from({ length: 4 + draw.below(8) }, () => statement(draw, version, qubits)),
  ];
  return { version, text: lines.join('\n') };
}

interface Draw {
  below(limit: number): number;
  of<T>(list: readonly T[]): T;
}

function statement(draw: Draw, version: 2 | 3, qubits: number): string {
  switch (draw.below(8)) {
    case 0:
      return `${draw.of(['h', 'x', 'sdg', 't'])} ${draw.of(['q', 'r'])};`;
    case 1:
      return `own(${angle(draw)}, ${angle(draw)}) ${operands(draw, qubits, 2)};`;
    case 2:
      return `twice(${angle(draw)}) ${operands(draw, qubits, 1)};`;
    case 3:
      return version === 3 ? modified(draw, qubits) : `barrier ${operands(draw, qubits, 2)};`;
    default:
      return call(draw, draw.of(GATES[version]), qubits);
  }
}

function call(draw: Draw, name: string, qubits: number): string {
  const [angles = 0, width = 1] = GATES_BY_NAME[name] ?? [];
  return width > qubits ? 'barrier q;' : `${name}${angled(draw, angles)} ${operands(draw, qubits, width)};`;
}

function angled(draw: Draw, count: number): string {
  return count === 0 ? '' : `(${Array.from({ length: count }, () => angle(draw)).join(', ')})`;
}

function modified(draw: Draw, qubits: number): string {
  const name = draw.of(['x', 'y', 'z', 'h', 's', 't', 'sx', 'rx', 'ry', 'rz', 'p']);
  const [angles = 0] = GATES_BY_NAME[name] ?? [];
  const modifier = draw.of([
    'inv @',
    'ctrl @',
    'negctrl @',
    'ctrl @ inv @',
    'inv @ ctrl @',
    'pow(2) @',
    'pow(-3) @',
    'pow(0.5) @',
  ]);
  const width = modifier.includes('ctrl') ? 2 : 1;
  // Of a root, an angle in the first turn: beyond it, tools differ in which root they take.
  const args = modifier.includes('0.5') && angles > 0 ? `(${draw.below(3000) / 1000})` : angled(draw, angles);
  return `${modifier} ${name}${args} ${operands(draw, qubits, width)};`;
}

/** The last qubit is a register of its own. */
function operands(draw: Draw, qubits: number, count: number): string {
  const left = Array.from({ length: qubits }, (_, k) => (k === qubits - 1 ? 'r[0]' : `q[${k}]`));
  return Array.from({ length: count }, () => left.splice(draw.below(left.length), 1)[0]).join(', ');
}

function angle(draw: Draw): string {
  const number = (): string => `${draw.below(7)}.${draw.below(1000)}`;
  switch (draw.below(6)) {
    case 0:
      return `${draw.of(['', '-'])}pi / ${draw.of(['2', '3', '4', '8'])}`;
    case 1:
      return `${draw.of(['', '-'])}${number()}`;
    case 2:
      return `${draw.below(9)} * pi / 4`;
    case 3:
      return `-(pi - ${number()}) * ${number()}`;
    case 4:
      return `${number()} - ${number()} / 2.0`;
    default:
      return `${draw.below(1000)}e-3`;
  }
}

/** A 32-bit xorshift: the same programs each time. */
function numbersFrom(seed: number): Draw {
  let state = Math.imul(seed, 0x9e3779b1) | 1;
  const below = (limit: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
  return { below, of: (list) => list[below(list.length)] as (typeof list)[number] };
}
