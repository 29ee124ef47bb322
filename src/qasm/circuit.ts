// What is asked of the reader of OpenQASM, and what it gives back.
import type { NativeGateIR, Target } from '../protocol/ir.ts';
import type { Diagnostic } from './diagnostics.ts';

export interface QasmOptions {
  /** The gates that the circuit may use. Without it, the program's gates have to belong to exactly one target. */
  readonly target?: Target;
  /** For messages: the name of the file; `-` reads as standard input. */
  readonly file?: string;
  /**
   * Whether gates that the target does not have are decomposed into its own; otherwise each of them is an error. A
   * global phase may differ. Nothing is routed: two qubits stay the two that the program names.
   */
  readonly compile?: boolean;
}

export interface QasmCircuit {
  /** Valid as `validateIr` checks it. Bit k of its counts is the k-th classical bit that is measured. */
  readonly circuit: NativeGateIR;
  readonly gates: {
    /** Gates as the program calls them: loops unrolled, registers as one gate for each qubit. */
    readonly source: number;
    /** Gates in `circuit`. */
    readonly native: number;
  };
  /** What was left out or understood in a way that may surprise. */
  readonly warnings: readonly Diagnostic[];
}
