// `coda-node/qasm`: circuits in OpenQASM 3 and 2, read to NativeGateIR (PROTOCOL §4) and written from it. A door of its
// own: a node takes NativeGateIR only, and does not load this.
export type { QasmCircuit, QasmOptions } from './circuit.ts';
export { QasmError, rendered, type Diagnostic } from './diagnostics.ts';
export { parseQasm } from './parse.ts';
export { printQasm, type PrintOptions } from './print.ts';
