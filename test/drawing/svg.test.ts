// A circuit as SVG: well-formed, without a script, with nothing in it that is not escaped.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { layOut } from '../../src/drawing/layout.ts';
import { drawSvg, SVG_STYLE } from '../../src/drawing/svg.ts';
import { anyText } from '../protocol/arbitraries.ts';
import { anyCircuit, drawable, large } from './circuits.ts';

/** Throws unless all tags are closed in order, and all text and attributes are escaped. */
function checkWellFormed(svg: string): void {
  const open: string[] = [];
  const rest = svg.replaceAll(
    /<(\/?)([a-z]+)((?: [a-zA-Z:-]+="[^"<&]*(?:&#\d+;[^"<&]*)*")*)(\/?)>/g,
    (_, end, name, __, self) => {
      if (end === '/') assert.equal(open.pop(), name);
      else if (self === '') open.push(name);
      return '';
    },
  );
  assert.deepEqual(open, []);
  assert.doesNotMatch(rest.replaceAll(/&#\d+;/g, ''), /[<>&]/);
}

describe('a drawing as SVG', () => {
  it('is well-formed for any circuit and any title, and has each gate once', () => {
    fc.assert(
      fc.property(anyCircuit, anyText(40), (circuit, title) => {
        const layout = layOut(circuit);
        const svg = drawSvg(layout, { title, maxHeight: Infinity });
        checkWellFormed(svg);
        assert.equal(svg.match(/<g>/g)?.length ?? 0, circuit.gates.length + layout.measurements.length);
        assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
        assert.doesNotMatch(svg, /[^\n\P{Cc}]|[\p{Cf}\p{Cs}\uFFFE\uFFFF]/u);
      }),
    );
  });

  it('escapes what a title brings, and has no script', () => {
    const title = '</title><script>alert("1")</script>\u0000\u202e&\'';
    const svg = drawSvg(layOut(drawable(1, [])), { title });
    checkWellFormed(svg);
    assert.ok(['<script', '\u0000', '\u202e'].every((text) => !svg.includes(text)));
    assert.match(svg, /&#60;script&#62;alert\(&#34;1&#34;\)/);
  });

  it('says of each gate which it is, with its whole parameter', () => {
    const svg = drawSvg(
      layOut(
        drawable(
          3,
          [
            ['cnot', 2, 0],
            ['ry', 1, 0.123456789012],
          ],
          [2, 2],
        ),
      ),
    );
    for (const words of [
      'gates[0]: cnot on q2, q0',
      'gates[1]: ry(0.123456789012) on q1',
      'measured to bit 0, 1',
    ]) {
      assert.ok(svg.includes(`<title>${words}</title>`), words);
    }
    assert.match(svg, /aria-label="A circuit of 3 qubits and 2 gates"/);
  });

  it('has both themes, in colours that a page can set; or leaves the style to the page', () => {
    const layout = layOut(drawable(1, []));
    assert.ok(drawSvg(layout).includes(`<style>${SVG_STYLE}</style>`));
    assert.match(SVG_STYLE, /prefers-color-scheme:dark/);
    assert.match(SVG_STYLE, /--ink:var\(--circuit-ink,#/);
    assert.doesNotMatch(drawSvg(layout, { style: false }), /<style| style=/);
  });

  it('folds at its width, and leaves out the middle of what is too high', () => {
    const circuit = large(100_000, 50);
    const svg = drawSvg(layOut(circuit));
    checkWellFormed(svg);
    const [, width = '', height = ''] = /width="(\d+)" height="(\d+)"/.exec(svg) ?? [];
    assert.ok(Number(width) <= 960 && Number(height) <= 4_200, `${width} x ${height}`);
    assert.ok(svg.length < 300_000);
    const [, left = '', columns = ''] = /… (\d+) gates in (\d+) columns are left out …/.exec(svg) ?? [];
    const shown = (svg.match(/<title>gates\[/g) ?? []).length;
    assert.equal(Number(left) + shown, 100_000);
    assert.ok(Number(columns) > 1_000);
  });
});
