// Writes a circuit in OpenQASM.
import type { NativeGateIR } from '../protocol/ir.ts';
import { QasmError } from './diagnostics.ts';

export interface PrintOptions {
  /** Of OpenQASM; 3 by default. */
  readonly version?: 2 | 3;
}

/** Writes `circuit` as a program. Throws a QasmError for what the language cannot say. */
export function printQasm(circuit: NativeGateIR, options: PrintOptions = {}): string {
  throw new QasmError(`not written yet: ${circuit.target} ${options.version}`);
}
