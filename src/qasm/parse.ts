// The reader's entry: text and target in, NativeGateIR out. A parser of our own: a recursive descent with the productions
// of the language's grammar, which computes constants and resolves names as it goes. Parsers that are made from the
// grammar build a tree of every token first, and take many times as long as a circuit of 100,000 gates may.
import { createHash } from 'node:crypto';
import { LEGAL_GATES, type NativeGateIR } from '../protocol/ir.ts';
import { version } from '../version.ts';
import type { QasmCircuit, QasmOptions } from './circuit.ts';
import { Problems, QasmError, quoted } from './diagnostics.ts';
import { Machine } from './machine.ts';
import { Program } from './program.ts';

/**
 * Reads a program in OpenQASM 3 or 2. The k-th measurement of the circuit is the k-th classical bit of the program that is
 * measured; durations are in nanoseconds. Throws a QasmError with up to ten diagnostics.
 */
export function parseQasm(text: string, options: QasmOptions = {}): QasmCircuit {
  const { target, file = 'the program', compile = false } = options;
  if (target !== undefined && !Object.hasOwn(LEGAL_GATES, target)) {
    throw new QasmError(`there is no target ${quoted(target)}`, {
      remedy: 'Give cz, iswap, pcz or cnot.',
    });
  }
  const program = text.startsWith('\uFEFF') ? text.slice(1) : text;
  const problems = new Problems(program, file === '-' ? 'standard input' : file);
  const machine = new Machine(problems, target, compile);
  const reader = new Program(program, problems, machine);
  let found = target;
  problems.during(() => {
    reader.run();
    if (problems.count === 0) found = machine.onlyTarget();
  });
  // With no error, there is a target.
  const circuit: NativeGateIR = {
    version: '1.0',
    target: found ?? 'cz',
    num_qubits: reader.qubits,
    gates: machine.gates,
    measurements: machine.measurements.inOrder(reader.bits),
    metadata: {
      source_hash: `sha256:${createHash('sha256').update(text).digest('hex')}`,
      compiled_at: new Date().toISOString(),
      compiler_version: version,
      optimization_level: 0,
    },
  };
  const gates = { source: machine.sourceGates, native: machine.gates.length };
  return { circuit, gates, warnings: problems.warnings };
}
