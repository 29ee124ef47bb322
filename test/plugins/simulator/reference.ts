// What the simulator is compared with: the npm package quantum-circuit, and random circuits for both.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import QuantumCircuit from 'quantum-circuit';
import { groundState, type StateVector } from '../../../plugins/simulator/statevector.ts';
import {
  GATES,
  LEGAL_GATES,
  type Gate,
  type GateName,
  type NativeGateIR,
  type Target,
} from '../../../src/index.ts';

export const GATE_NAMES = Object.keys(GATES) as GateName[];
export const TARGETS = Object.keys(LEGAL_GATES) as Target[];

type Step = readonly [name: string, parameter?: string];

/**
 * Each native gate as gates of quantum-circuit, up to a global phase. If possible, it takes another
 * way than the simulator, so that a wrong sign of a rotation is not made twice.
 */
const STEPS: Readonly<Record<GateName, readonly Step[]>> = {
  rx: [['rx', 'theta']],
  ry: [['ry', 'theta']],
  rz: [['rz', 'phi']],
  virtual_z: [['u1', 'lambda']],
  id: [['id']],
  x90: [['srn']],
  y_minus_90: [['h'], ['z']],
  cz: [['cz']],
  iswap: [['iswap']],
  cnot: [['cx']],
  cp: [['cu1', 'lambda']],
};

/** The state after `gates`, by quantum-circuit. */
export function referenceState(qubits: number, gates: readonly Gate[]): StateVector {
  const reference = new QuantumCircuit(qubits);
  for (const { gate: native, qubits: on, params: given } of gates) {
    for (const [name, parameter] of STEPS[native]) {
      assert.ok(name in reference.basicGates, `quantum-circuit has no gate ${name}`);
      const params = parameter === undefined ? {} : { [parameter]: given[0] ?? NaN };
      reference.addGate(name, -1, on, { params });
    }
  }
  reference.run();

  const state = groundState(qubits);
  state.re.fill(0);
  for (const [index, { re, im }] of Object.entries(reference.state)) {
    state.re[Number(index)] = re;
    state.im[Number(index)] = im;
  }
  return state;
}

export function gate(name: GateName, qubits: readonly number[], params: readonly number[] = []): Gate {
  return { gate: name, qubits, params };
}

export function circuit(
  qubits: number,
  gates: readonly Gate[],
  measurements: readonly number[],
  target: Target = 'cnot',
): NativeGateIR {
  const metadata = { source_hash: '', compiled_at: '', compiler_version: '0.1.0', optimization_level: 2 };
  return { version: '1.0', target, num_qubits: qubits, gates, measurements, metadata };
}

/** One gate out of `names` on any of `qubits` qubits, its angle up to two turns either way. */
export function anyGate(names: readonly GateName[], qubits: number): fc.Arbitrary<Gate> {
  const possible = names.filter((name) => GATES[name].qubits <= qubits);
  const angle = fc.double({ min: -4 * Math.PI, max: 4 * Math.PI, noNaN: true });
  return fc
    .record({
      name: fc.constantFrom(...possible),
      order: fc.shuffledSubarray([...Array(qubits).keys()], { minLength: qubits }),
      angle,
    })
    .map((drawn) => {
      const { qubits: wires, params } = GATES[drawn.name];
      return gate(drawn.name, drawn.order.slice(0, wires), params === 0 ? [] : [drawn.angle]);
    });
}

/** A circuit of up to 30 gates on 1 to 6 qubits. */
export function anyCircuit(names: readonly GateName[]): fc.Arbitrary<{ qubits: number; gates: Gate[] }> {
  return fc
    .integer({ min: 1, max: 6 })
    .chain((qubits) =>
      fc.record({ qubits: fc.constant(qubits), gates: fc.array(anyGate(names, qubits), { maxLength: 30 }) }),
    );
}
