// Decomposes leaves into a target's own gates, exactly but for a global phase. Whatever acts on two qubits becomes
// controlled phases, and these the target's gate for two qubits; unitaries of one qubit wait, and are multiplied, until
// such a gate or the end of the statement.
import type { GateName, Target } from '../protocol/ir.ts';
import type { Leaf } from './leaves.ts';
import {
  both,
  diagonalOf,
  inverseOf,
  phase,
  rotationsOf,
  rx,
  ry,
  rz,
  turnOf,
  wrapped,
  type Turn,
} from './turn.ts';

const { PI } = Math;
const TINY = 1e-13;
/** Qubits of one controlled gate; each more doubles the gates that it takes. */
export const MOST_IN_ONE_GATE = 12;

const X = turnOf(PI, 0, PI);
const H = turnOf(PI / 2, 0, PI);
const S = phase(PI / 2);
const Z = phase(PI);

export type Emit = (gate: GateName, qubits: readonly number[], params: readonly number[]) => void;

export class Lowering {
  readonly #target: Target;
  readonly #emit: Emit;
  readonly #waiting = new Map<number, Turn>();

  constructor(target: Target, emit: Emit) {
    this.#target = target;
    this.#emit = emit;
  }

  /** All that waits becomes gates. */
  flush(): void {
    for (const qubit of this.#waiting.keys()) this.#flush(qubit);
  }

  add(leaf: Leaf): void {
    const negative = leaf.controls.filter((control) => control < 0).map((control) => ~control);
    const controls = leaf.controls.map((control) => (control < 0 ? ~control : control));
    for (const qubit of negative) this.#turn(qubit, X);
    if (leaf.kind === 'phase') this.#phases(controls, leaf.angle);
    else if (leaf.kind === 'turn') this.#controlled(controls, leaf.qubit, leaf.turn);
    else if (leaf.kind === 'swap') this.#swap(controls, ...leaf.qubits);
    else this.#iswap(controls, ...leaf.qubits, leaf.isInverse);
    for (const qubit of negative) this.#turn(qubit, X);
  }

  #turn(qubit: number, turn: Turn): void {
    const before = this.#waiting.get(qubit);
    this.#waiting.set(qubit, before === undefined ? turn : both(before, turn));
  }

  #flush(qubit: number): void {
    const turn = this.#waiting.get(qubit);
    if (turn === undefined) return;
    this.#waiting.delete(qubit);
    for (const { gate, params } of rotationsOf(turn, this.#target)) this.#emit(gate, [qubit], params);
  }

  #entangle(gate: GateName, a: number, b: number, ...params: readonly number[]): void {
    this.#flush(a);
    this.#flush(b);
    this.#emit(gate, [a, b], params);
  }

  #controlled(controls: readonly number[], qubit: number, turn: Turn): void {
    if (controls.length === 0) return this.#turn(qubit, turn);
    const { frame, zero, one } = diagonalOf(turn);
    this.#turn(qubit, inverseOf(frame));
    this.#phases([...controls, qubit], one - zero);
    this.#turn(qubit, frame);
    this.#phases(controls, zero);
  }

  /** Multiplies the state in which all of `qubits` are 1 by e^{iδ}. */
  #phases(qubits: readonly number[], angle: number): void {
    const delta = wrapped(angle);
    const [a = 0, b = 0, c = 0] = qubits;
    if (Math.abs(delta) < TINY || qubits.length === 0) return;
    if (qubits.length === 1) return this.#turn(a, phase(delta));
    if (qubits.length === 2) return this.#phaseOfTwo(a, b, delta);
    if (qubits.length === 3 && this.#target === 'pcz') {
      this.#phaseOfTwo(b, c, delta / 2);
      this.#flip(a, b);
      this.#phaseOfTwo(b, c, -delta / 2);
      this.#flip(a, b);
      return this.#phaseOfTwo(a, c, delta / 2);
    }
    return this.#phasesOfParities(qubits, delta);
  }

  /**
   * x₁x₂…xₙ is a sum of the parities of all subsets, with signs, over 2ⁿ⁻¹. Each parity is made once in a qubit, in the
   * order of a Gray code, so that one CNOT leads from one to the next.
   */
  #phasesOfParities(qubits: readonly number[], delta: number): void {
    const part = delta / 2 ** (qubits.length - 1);
    for (let last = qubits.length - 1; last >= 0; last--) {
      const qubit = qubits[last] ?? 0;
      this.#turn(qubit, phase(part));
      let isOdd = true;
      for (let step = 1; step < 2 ** last; step++) {
        const bit = 31 - Math.clz32(step & -step);
        this.#flip(qubits[bit] ?? 0, qubit);
        // One control more or less: the size of the subset changes between odd and even.
        isOdd = !isOdd;
        this.#turn(qubit, phase(isOdd ? part : -part));
      }
      if (last > 0) this.#flip(qubits[last - 1] ?? 0, qubit);
    }
  }

  #phaseOfTwo(a: number, b: number, delta: number): void {
    if (this.#target === 'pcz') return this.#entangle('cp', a, b, delta);
    const isHalfTurn = Math.abs(Math.abs(delta) - PI) < TINY;
    if (isHalfTurn && this.#target === 'cz') return this.#entangle('cz', a, b);
    if (isHalfTurn && this.#target === 'cnot') {
      this.#turn(b, ry(PI / 2));
      this.#entangle('cnot', a, b);
      return this.#turn(b, ry(-PI / 2));
    }
    this.#turn(a, phase(delta / 2));
    this.#turn(b, phase(delta / 2));
    this.#zz(a, b, -delta / 2);
  }

  /** exp(−iθ/2·Z⊗Z). */
  #zz(a: number, b: number, theta: number): void {
    if (this.#target !== 'iswap') {
      this.#flip(a, b);
      this.#turn(b, rz(theta));
      return this.#flip(a, b);
    }
    // iswap·Rx(θ)·iswap is exp(−iθ/2·Z⊗Y) behind Z⊗Z; a quarter turn about x carries Y over to Z.
    this.#turn(b, rx(-PI / 2));
    this.#turn(a, Z);
    this.#turn(b, Z);
    this.#entangle('iswap', a, b);
    this.#turn(a, rx(theta));
    this.#entangle('iswap', a, b);
    this.#turn(b, rx(PI / 2));
  }

  #flip(control: number, qubit: number): void {
    this.#controlled([control], qubit, X);
  }

  #swap(controls: readonly number[], a: number, b: number): void {
    if (controls.length === 0 && this.#target === 'iswap') {
      // iswap is swap·cz·(s⊗s).
      this.#entangle('iswap', a, b);
      this.#phaseOfTwo(a, b, PI);
      this.#turn(a, inverseOf(S));
      return this.#turn(b, inverseOf(S));
    }
    this.#flip(b, a);
    this.#controlled([...controls, a], b, X);
    this.#flip(b, a);
  }

  #iswap(controls: readonly number[], a: number, b: number, isInverse: boolean): void {
    if (controls.length === 0 && this.#target === 'iswap') {
      if (isInverse) this.#turn(a, Z);
      this.#entangle('iswap', a, b);
      if (isInverse) this.#turn(a, Z);
      return;
    }
    const steps: (() => void)[] = [
      () => this.#controlled(controls, a, isInverse ? inverseOf(S) : S),
      () => this.#controlled(controls, b, isInverse ? inverseOf(S) : S),
      () => this.#controlled(controls, a, H),
      () => this.#controlled([...controls, a], b, X),
      () => this.#controlled([...controls, b], a, X),
      () => this.#controlled(controls, b, H),
    ];
    for (const step of isInverse ? steps.toReversed() : steps) step();
  }
}

/** Whether a leaf has more qubits than a decomposition takes. */
export function isTooWide(leaf: Leaf): boolean {
  const own = leaf.kind === 'turn' ? 1 : leaf.kind === 'phase' ? 0 : 2;
  return leaf.controls.length + own > MOST_IN_ONE_GATE;
}
