// Circuits as text. Each drawing here was looked at.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { layOut } from '../../src/drawing/layout.ts';
import { drawText, type TextOptions } from '../../src/drawing/text.ts';
import { bell } from '../../src/testing/index.ts';
import { anyCircuit, drawable, large } from './circuits.ts';

const { PI } = Math;

function drawn(circuit: Parameters<typeof layOut>[0], options?: TextOptions): string {
  return `\n${drawText(layOut(circuit), options).join('\n')}\n`;
}

describe('a drawing as text', () => {
  it('has a Bell pair of the target cz', () => {
    assert.equal(
      drawn(bell('cz').ir),
      `
q0: ─┤rz(π)├─┤ry(π/2)├─●───────────────────┤M├═ c0
                       │
q1: ─┤rz(π)├─┤ry(π/2)├─●─┤rz(π)├─┤ry(π/2)├─┤M├═ c1
`,
    );
  });

  it('has every gate, and lines that cross a wire', () => {
    assert.equal(
      drawn(
        drawable(
          12,
          [
            ['rx', 1, PI],
            ['cnot', 0, 11],
            ['iswap', 0, 1],
            ['cp', 11, 0, PI / 4],
            ['id', 1, 1500],
            ['virtual_z', 1, -0.3],
            ['x90', 11],
            ['y_minus_90', 0],
            ['cz', 1, 11],
          ],
          [11, 1, 11],
        ),
      ),
      `
q0:  ─────────●─┤iswap├─┤p(π/4)├────┤y-90├─────────────────
              │    │       │
q1:  ─┤rx(π)├─┼─┤iswap├────┼─────┤id(1.5µs)├─┤vz(-0.3)├─●─┤M├═ c1
              │            │                            │
q11: ─────────⊕────────────●────────┤x90├───────────────●─┤M├═ c0,c2
`,
    );
  });

  it('has no wire for a qubit with nothing on it, but a circuit without gates has all', () => {
    assert.equal(drawn(drawable(4, [['x90', 2]])), '\nq2: ─┤x90├─\n');
    assert.equal(drawn(drawable(2, [])), '\nq0: ─\n\nq1: ─\n');
    assert.equal(drawn(drawable(2, [], [1])), '\nq1: ─┤M├═ c0\n');
  });

  const ladder = drawable(
    2,
    [1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((angle) => [['rx', 0, angle] as const, ['cnot', 0, 1] as const]),
    [0, 1, 1, 1, 1],
  );

  it('is folded at the width, in characters of ASCII if these are wanted', () => {
    assert.equal(
      drawn(ladder, { width: 40, ascii: true }),
      `
q0: -[rx(1)]-@-[rx(2)]-@-[rx(3)]-@->
             |         |         |
q1: ---------X---------X---------X->

q0: <-[rx(4)]-@-[rx(5)]-@-[rx(6)]-@->
              |         |         |
q1: <---------X---------X---------X->

q0: <-[rx(7)]-@-[rx(8)]-@-[rx(9)]-@->
              |         |         |
q1: <---------X---------X---------X->

q0: <-[M]= c0

q1: <-[M]= c1,c2,c3...
`,
    );
  });

  it('leaves out the middle of what is long, and says how much that is', () => {
    assert.equal(
      drawn(ladder, { width: 24, maxLines: 8 }),
      `
q0: ─┤rx(1)├─●─»
             │
q1: ─────────⊕─»

… 15 gates in 15 columns are left out …

q0: «─●─┤M├═ c0
      │
q1: «─⊕─┤M├═ c1,c2,c3…
`,
    );
  });

  it('fits the width for any circuit, and has each gate once', () => {
    fc.assert(
      fc.property(anyCircuit, fc.integer({ min: 60, max: 200 }), (circuit, width) => {
        const lines = drawText(layOut(circuit), { width, maxLines: Infinity });
        for (const line of lines) {
          assert.ok(line.length <= width, line);
          assert.equal(line, line.trimEnd());
        }
        const text = lines.join('\n');
        const count = (name: string): number => circuit.gates.filter(({ gate }) => gate === name).length;
        const boxes = circuit.gates.length - count('cz') - count('cnot') + count('iswap');
        assert.equal(text.match(/┤/g)?.length ?? 0, boxes + new Set(circuit.measurements).size);
        assert.equal(text.match(/●/g)?.length ?? 0, 2 * count('cz') + count('cnot') + count('cp'));
        assert.equal(text.match(/⊕/g)?.length ?? 0, count('cnot'));
        assert.match(drawText(layOut(circuit), { width, ascii: true }).join('\n'), /^[\n -~]*$/);
      }),
    );
  });

  it('of 100,000 gates on 50 qubits has no more lines than two pages of them need', () => {
    const lines = drawText(layOut(large(100_000, 50)));
    assert.ok(lines.length <= 2 * 99 + 3, String(lines.length));
    assert.match(
      lines.find((line) => line.startsWith('…')) ?? '',
      /^… 9\d{4} gates in \d{4,} columns are left out …$/,
    );
  });
});
