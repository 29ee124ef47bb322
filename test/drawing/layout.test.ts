// Where gates are drawn: in order, without crossing each other, and as early as possible.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { fold } from '../../src/drawing/fold.ts';
import { layOut, spanOf, type Layout } from '../../src/drawing/layout.ts';
import { anyCircuit, drawable, large } from './circuits.ts';

/** By gate: its column. */
function columnsOf(layout: Layout): number[] {
  const columns: number[] = [];
  for (let column = 0; column < layout.gateColumns; column++) {
    for (const { index } of layout.gatesIn(column)) columns[index] = column;
  }
  return columns;
}

describe('a layout', () => {
  it('has each gate in the first column that is free on all wires between its qubits', () => {
    const layout = layOut(
      drawable(
        4,
        [
          ['rx', 1, 1],
          ['cz', 0, 3],
          ['rx', 2, 1],
          ['cz', 0, 1],
          ['rx', 3, 1],
          ['id', 2, 20],
        ],
        [3, 0, 3],
      ),
    );
    assert.deepEqual(columnsOf(layout), [0, 1, 2, 2, 2, 3]);
    assert.deepEqual([layout.columns, layout.gateColumns], [5, 4]);
    assert.deepEqual(layout.measurements, [
      { wire: 3, bits: [0, 2] },
      { wire: 0, bits: [1] },
    ]);
    assert.deepEqual([layout.countIn(0, 2), layout.countIn(2, 5), layout.countIn(0, 5)], [2, 4, 6]);
  });

  it('has wires for qubits with a gate or a measurement, and for all if there is neither', () => {
    assert.deepEqual(layOut(drawable(9, [['cz', 7, 2]], [4])).wires, [2, 4, 7]);
    assert.deepEqual(layOut(drawable(3, [])).wires, [0, 1, 2]);
    assert.equal(layOut(drawable(3, [])).columns, 0);
  });

  it('of any circuit crosses nothing, keeps the order, and wastes no column', () => {
    fc.assert(
      fc.property(anyCircuit, (circuit) => {
        const layout = layOut(circuit);
        const columns = columnsOf(layout);
        assert.equal(columns.length, circuit.gates.length);
        const spans = circuit.gates.map(({ qubits }) => spanOf(qubits));
        for (const [index, [top, bottom]] of spans.entries()) {
          const before = spans
            .slice(0, index)
            .flatMap(([otherTop, otherBottom], other) =>
              otherTop <= bottom && top <= otherBottom ? [columns[other] ?? NaN] : [],
            );
          // Wires between two qubits that nothing acts on are not drawn, but they cannot make a gate wait.
          assert.equal(columns[index], before.length === 0 ? 0 : Math.max(...before) + 1);
        }
      }),
    );
  });
});

describe('a fold', () => {
  const width = (column: number): number => 1 + (column % 5);

  it('covers all columns, in pages that fit', () => {
    fc.assert(
      fc.property(
        fc.nat(300),
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 2, max: 9 }),
        (columns, room, most) => {
          const { head, gap, tail } = fold(columns, width, room, most);
          const pages = [...head, ...(gap === undefined ? [] : [gap]), ...tail];
          assert.equal(pages[0]?.from, 0);
          assert.equal(pages.at(-1)?.to, columns);
          for (const [index, page] of pages.entries()) assert.equal(page.from, pages[index - 1]?.to ?? 0);
          for (const { from, to } of [...head, ...tail]) {
            const total = Array.from({ length: to - from }, (_, at) => width(from + at)).reduce(
              (a, b) => a + b,
              0,
            );
            assert.ok(total <= room || to - from === 1);
          }
          assert.ok(head.length + tail.length <= most);
          assert.ok(gap === undefined || (gap.to > gap.from && tail.length > 0));
        },
      ),
    );
  });

  it('asks only for the widths of what is shown', () => {
    const layout = layOut(large(100_000, 50));
    let asked = 0;
    const { gap } = fold(layout.columns, () => ((asked += 1), 10), 100, 4);
    assert.ok((gap?.to ?? 0) > 1_000);
    assert.ok(asked < 100);
  });
});
