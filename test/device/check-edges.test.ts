// A circuit that needs what the device does not have: each missing edge is named, with what is there.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkEdges } from '../../src/device/check-edges.ts';
import type { Gate, GateName, NativeGateIR } from '../../src/protocol/ir.ts';
import { BELL } from '../protocol/arbitraries.ts';

function circuit(...pairs: readonly (readonly [GateName, number, number])[]): NativeGateIR {
  const gates = pairs.map(([gate, a, b]): Gate => ({ gate, qubits: [a, b], params: [] }));
  return { ...BELL, num_qubits: 50, gates: [...BELL.gates, ...gates] };
}

const LINE = [
  [0, 1],
  [1, 2],
] as const;

describe('the edges of a device', () => {
  it('are enough in either direction, and any will do if none are known', () => {
    checkEdges('a.qasm', circuit(['cz', 1, 0], ['cnot', 2, 1]), { edges: LINE, isDirected: false });
    checkEdges('a.qasm', circuit(['cz', 1, 0], ['cnot', 1, 2]), { edges: LINE, isDirected: true });
    checkEdges('a.qasm', circuit(['cz', 7, 4]), { edges: [], isDirected: true });
  });

  it('are named if they are missing, with how many gates need them', () => {
    const check = (isDirected: boolean): void =>
      checkEdges('a.qasm', circuit(['cz', 2, 0], ['cz', 0, 2], ['cnot', 2, 1]), { edges: LINE, isDirected });
    assert.throws(() => check(false), {
      name: 'JobError',
      message:
        /^a\.qasm needs edges that the device does not have: 0-2 \(2 gates\)\n {2}→ Routing is out of scope here: .*\(0-1, 1-2\)/,
    });
    assert.throws(() => check(true), /not have: 0-2 \(2 gates\), 2→1 \(1 gate\)\n.*\(0→1, 1→2\)/);
  });

  it('are not all listed if there are many', () => {
    const many = Array.from({ length: 30 }, (_, index) => ['cz', index, index + 20] as const);
    assert.throws(
      () => checkEdges('a.qasm', circuit(...many), { edges: LINE, isDirected: false }),
      /and 20 more\n/,
    );
  });
});
