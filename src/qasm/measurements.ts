// What is measured, into which bits, and that nothing happens to a qubit afterwards: a circuit of NativeGateIR measures at
// its end.
import { Fault, type Problems } from './diagnostics.ts';
import type { Place } from './gate.ts';

const MOST_MEASUREMENTS = 1_000_000;

export class Measurements {
  readonly #problems: Problems;
  /** Of each qubit, whether something has happened to it. */
  readonly #isUsed: boolean[] = [];
  /** Of each qubit, where it was measured. */
  readonly #measuredAt: (Place | undefined)[] = [];
  /** Of each bit, the qubit that was measured into it. */
  readonly #sources = new Map<number, number>();
  /** Measured, but into no bit. */
  readonly #loose: number[] = [];
  #count = 0;
  #first: Place | undefined;
  #firstLoose: Place | undefined;

  constructor(problems: Problems) {
    this.#problems = problems;
  }

  /** A gate acts on a qubit. */
  use(qubit: number, at: number, end: number): void {
    if (this.#measuredAt[qubit] !== undefined) {
      throw new Fault(
        at,
        end,
        `qubit ${qubit} has been measured before: nothing can be done with it afterwards`,
        {
          hint: 'Measure it last. A measurement in the middle of a circuit is not taken.',
        },
      );
    }
    this.#isUsed[qubit] = true;
  }

  reset(qubits: readonly number[], { at, end }: Place): void {
    const used = qubits.find(
      (qubit) => this.#isUsed[qubit] === true || this.#measuredAt[qubit] !== undefined,
    );
    if (used === undefined) return;
    throw new Fault(at, end, `'reset' of qubit ${used} in the middle of a circuit is not taken`, {
      hint: 'Every qubit begins in |0⟩, so a reset can only stand before its first gate, where it changes nothing.',
    });
  }

  measure(qubits: readonly number[], bits: readonly number[] | undefined, place: Place): void {
    const { at, end } = place;
    if (bits !== undefined && bits.length !== qubits.length) {
      throw new Fault(at, end, `${qubits.length} qubits are measured into ${bits.length} bits`, {
        hint: 'Both have to be of the same length.',
      });
    }
    this.#count += qubits.length;
    if (this.#count > MOST_MEASUREMENTS)
      throw new Fault(at, end, `more than ${MOST_MEASUREMENTS} measurements`);
    this.#first ??= place;
    qubits.forEach((qubit, k) => {
      this.#measuredAt[qubit] = place;
      const bit = bits?.[k];
      if (bit === undefined) {
        this.#loose.push(qubit);
        this.#firstLoose ??= place;
        return;
      }
      if (this.#sources.has(bit)) {
        this.#problems.warn(
          at,
          end,
          'a bit is measured twice: only the last measurement is kept',
          {},
          'bit twice',
        );
      }
      this.#sources.set(bit, qubit);
    });
  }

  /**
   * The measured qubits, in the order of the bits that they are measured into. If none goes into a bit, in the order of
   * the program. `bits` is how many the program declares.
   */
  inOrder(bits: number): number[] {
    if (this.#first === undefined) {
      this.#problems.warn(
        0,
        0,
        'the program measures nothing, so its result has no bits',
        {},
        'nothing measured',
      );
      return [];
    }
    if (this.#sources.size === 0) return this.#loose;
    if (this.#firstLoose !== undefined) {
      const { at, end } = this.#firstLoose;
      this.#problems.warn(
        at,
        end,
        'a measurement that goes into no bit is left out, since others do',
        {},
        'loose',
      );
    }
    const missing = bits - this.#sources.size;
    if (missing > 0) {
      const message = `${missing} of ${bits} bits are never measured: the result has the other ${this.#sources.size}`;
      this.#problems.warn(this.#first.at, this.#first.end, message, {}, 'missing');
    }
    return [...this.#sources].toSorted(([a], [b]) => a - b).map(([, qubit]) => qubit);
  }
}
