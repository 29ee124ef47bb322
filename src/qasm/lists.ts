// Lists of what a gate is called with. Those that are plain numbers are used as they were read: they are most of a circuit,
// and of the memory for it.
import { Fault, quoted } from './diagnostics.ts';
import type { Arg, Call, GateDefinition, Operand, Place } from './gate.ts';

/** The qubits of operands that all are single ones; undefined if one is a register, or has an index to be computed. */
export function plainQubits(
  operands: readonly Operand[],
  wires: readonly number[],
): readonly number[] | undefined {
  return areQubits(operands)
    ? operands
    : operands.every((operand) => typeof operand === 'number')
      ? operands.map((operand) => (operand < 0 ? (wires[~operand] ?? 0) : operand))
      : undefined;
}

export function areNumbers(args: readonly Arg[]): args is readonly number[] {
  for (const arg of args) if (typeof arg !== 'number') return false;
  return true;
}

function areQubits(operands: readonly Operand[]): operands is readonly number[] {
  for (const operand of operands) if (typeof operand !== 'number' || operand < 0) return false;
  return true;
}

export function assertDifferent(qubits: readonly number[], call: Call): void {
  const isTwice = qubits.length === 2 ? qubits[0] === qubits[1] : new Set(qubits).size < qubits.length;
  if (isTwice) throw twice(call.gate, call);
}

export function twice({ name }: GateDefinition, { at, end }: Place): Fault {
  return new Fault(at, end, `gate ${quoted(name)} acts on one qubit twice`);
}
