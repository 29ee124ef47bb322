// What gates without angles become for a target: always the same, so each is decomposed once.
import type { Target } from '../protocol/ir.ts';
import type { GateDefinition, Place } from './gate.ts';
import { leavesOf, type Count } from './leaves.ts';
import { Lowering } from './lowering.ts';
import type { NativeGate } from './native.ts';

export class Patterns {
  readonly #target: Target;
  readonly #known = new Map<GateDefinition, readonly NativeGate[]>();

  constructor(target: Target) {
    this.#target = target;
  }

  /** The gates that `gate` becomes; their qubits are places in its operands. */
  of(gate: GateDefinition, place: Place, count: Count): readonly NativeGate[] {
    const known = this.#known.get(gate);
    if (known !== undefined) return known;
    const pattern: NativeGate[] = [];
    const lowering = new Lowering(this.#target, (native, qubits, params) =>
      pattern.push({ gate: native, qubits, params }),
    );
    const places = Array.from({ length: gate.qubits }, (_, k) => k);
    for (const leaf of leavesOf(gate, [], places, place, count)) lowering.add(leaf);
    lowering.flush();
    this.#known.set(gate, pattern);
    return pattern;
  }
}
