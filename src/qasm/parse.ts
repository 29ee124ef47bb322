// Reads a program in OpenQASM.
import type { QasmCircuit, QasmOptions } from './circuit.ts';
import { QasmError } from './diagnostics.ts';

/** Reads `text`. Throws a QasmError with up to ten diagnostics. */
export function parseQasm(text: string, options: QasmOptions = {}): QasmCircuit {
  throw new QasmError(`not written yet: ${text.length} ${options.file}`);
}
