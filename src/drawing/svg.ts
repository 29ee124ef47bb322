// A layout as SVG: for documents as it is, and for a page that puts it into its own HTML. No script, and no text that is not
// escaped. Its colours are CSS variables, and follow the reader's light or dark theme.
import { onOneLine } from '../printable.ts';
import { fold, gapText, type Page } from './fold.ts';
import { spanOf, type Layout, type PlacedGate } from './layout.ts';
import { symbolsOf, UNICODE_SIGNS, type GateSymbol } from './symbols.ts';

export interface SvgOptions {
  /** In pixels, before it is scaled. Default 960. */
  readonly width?: number;
  /** Of what is higher, the middle is left out; the first and the last page are always there. Default 4000 pixels. */
  readonly maxHeight?: number;
  /** What a screen reader says. Default: the numbers of qubits and gates. */
  readonly title?: string;
  /** False: without its style sheet, for a page that has `SVG_STYLE` in its own. */
  readonly style?: boolean;
}

const DEFAULT_WIDTH = 960;
const DEFAULT_HEIGHT = 4_000;
const MARGIN = 16;
/** From wire to wire. */
const ROW = 40;
const BOX_HEIGHT = 28;
const COLUMN_GAP = 12;
const PAGE_GAP = 24;
const FONT_SIZE = 12;
/** Of a monospaced font of that size, rounded up. */
const CHARACTER = 7.5;
const BOX_PADDING = 7;
const CONTROL_RADIUS = 5;
const TARGET_RADIUS = 10;
/** Between the name of a wire and its begin. */
const LABEL_GAP = 20;
/** From the wire down to the foot of its letters. */
const BASELINE = 4;
const METER_WIDTH = 32;
const SHOWN_BITS = 3;

const LIGHT = {
  ink: '#1f2328',
  paper: '#ffffff',
  line: '#59636e',
  box: '#ddf4ff',
  edge: '#0969da',
  meter: '#f6f8fa',
};
const DARK = {
  ink: '#e6edf3',
  paper: '#0d1117',
  line: '#9198a1',
  box: '#12243a',
  edge: '#4493f8',
  meter: '#212830',
};
type Colours = typeof LIGHT;
type Colour = keyof Colours;

/**
 * The style of every drawing. Each colour can be set from outside: `--circuit-ink`, `-paper`, `-line`, `-box`, `-edge` and
 * `-meter`. The plain colours before the variables are for programs that know no variables.
 */
export const SVG_STYLE = [
  rule('', variables(LIGHT)),
  `@media (prefers-color-scheme:dark){${rule('', variables(DARK))}}`,
  rule(
    ' text',
    `font:${FONT_SIZE}px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;${paint('fill', 'ink')}`,
  ),
  rule(' .middle', 'text-anchor:middle'),
  rule(' .paper', paint('fill', 'paper')),
  rule(' .wire', `fill:none;${paint('stroke', 'line')}`),
  rule(' .link', `fill:none;stroke-width:1.5;${paint('stroke', 'edge')}`),
  rule(' .box', paint('fill', 'box') + paint('stroke', 'edge')),
  rule(' .dot', paint('fill', 'edge')),
  rule(' .target', `stroke-width:1.5;${paint('fill', 'paper')}${paint('stroke', 'edge')}`),
  rule(' .meter', paint('fill', 'meter') + paint('stroke', 'line')),
  rule(' .needle', `fill:none;${paint('stroke', 'ink')}`),
].join('');

/** An SVG document of one line for each of its parts. */
export function drawSvg(layout: Layout, options: SvgOptions = {}): string {
  const { width = DEFAULT_WIDTH, maxHeight = DEFAULT_HEIGHT, style = true } = options;
  const { wires, circuit } = layout;
  const labels = wires.map((qubit) => `q${qubit}`);
  const left = MARGIN + Math.max(...labels.map(textWidth)) + LABEL_GAP;
  const pageHeight = wires.length * ROW;
  const most = Math.max(2, Math.floor((maxHeight - 2 * MARGIN + PAGE_GAP) / (pageHeight + PAGE_GAP)));
  const { head, gap, tail } = fold(layout.columns, (at) => widthOf(layout, at), width - left - MARGIN, most);

  const parts: string[] = [];
  let [top, right] = [MARGIN, 0];
  const draw = (page: Page): void => {
    parts.push(...drawPage(layout, page, labels, left, top));
    right = Math.max(right, left + pageWidth(layout, page));
    top += pageHeight + PAGE_GAP;
  };
  head.forEach(draw);
  if (gap !== undefined) {
    const words = gapText(layout, gap);
    parts.push(text(left, top + BASELINE, `… ${words} …`));
    right = Math.max(right, left + textWidth(words));
    top += 2 * PAGE_GAP;
  }
  tail.forEach(draw);
  const size = { width: Math.ceil(right + MARGIN), height: top - PAGE_GAP + MARGIN };
  const title = escaped(
    options.title ??
      `A circuit of ${counted(circuit.num_qubits, 'qubit')} and ${counted(circuit.gates.length, 'gate')}`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="coda-circuit" role="img" aria-label="${title}" ` +
      `width="${size.width}" height="${size.height}" viewBox="0 0 ${size.width} ${size.height}">`,
    `<title>${title}</title>`,
    ...(style ? [`<style>${SVG_STYLE}</style>`] : []),
    `<rect class="paper" width="${size.width}" height="${size.height}"/>`,
    ...parts,
    '</svg>',
  ].join('\n');
}

function drawPage(
  layout: Layout,
  page: Page,
  labels: readonly string[],
  left: number,
  top: number,
): string[] {
  const y = (wire: number): number => top + wire * ROW + ROW / 2;
  // A wire ends at the meter; behind it is the number of the bit.
  const behind = page.to > layout.gateColumns ? bitsWidth(layout) + COLUMN_GAP : 0;
  const end = left + pageWidth(layout, page) - behind;
  const parts = labels.map(
    (label, wire) =>
      `<path class="wire" d="M${left - COLUMN_GAP / 2} ${y(wire)}H${end}"/>` +
      text(MARGIN, y(wire) + BASELINE, label) +
      (page.from === 0 ? '' : text(left - LABEL_GAP + 5, y(wire) + BASELINE, '«')) +
      (page.to === layout.columns ? '' : text(end + 1, y(wire) + BASELINE, '»')),
  );
  let x = left;
  for (let column = page.from; column < page.to; column++) {
    const width = widthOf(layout, column) - COLUMN_GAP;
    if (column >= layout.gateColumns) parts.push(...drawMeters(layout, x, y));
    else for (const placed of layout.gatesIn(column)) parts.push(drawGate(placed, x + width / 2, y));
    x += width + COLUMN_GAP;
  }
  return parts;
}

function drawGate({ gate, index, wires }: PlacedGate, x: number, y: (wire: number) => number): string {
  const [from, to] = spanOf(wires);
  const name = `gates[${index}]: ${gate.gate}${gate.params.length > 0 ? `(${gate.params.join(', ')})` : ''}`;
  const symbols = symbolsOf(gate, UNICODE_SIGNS).map((symbol, at) =>
    drawSymbol(symbol, x, y(wires[at] ?? 0)),
  );
  return [
    `<g><title>${escaped(`${name} on ${gate.qubits.map((qubit) => `q${qubit}`).join(', ')}`)}</title>`,
    ...(from === to ? [] : [`<path class="link" d="M${x} ${y(from)}V${y(to)}"/>`]),
    ...symbols,
    '</g>',
  ].join('');
}

function drawSymbol(symbol: GateSymbol, x: number, y: number): string {
  if (symbol === 'control') return `<circle class="dot" cx="${x}" cy="${y}" r="${CONTROL_RADIUS}"/>`;
  if (symbol === 'target') {
    const r = TARGET_RADIUS;
    return `<circle class="target" cx="${x}" cy="${y}" r="${r}"/><path class="link" d="M${x - r} ${y}h${2 * r}M${x} ${y - r}v${2 * r}"/>`;
  }
  const width = boxWidth(symbol.box);
  return (
    `<rect class="box" x="${x - width / 2}" y="${y - BOX_HEIGHT / 2}" width="${width}" height="${BOX_HEIGHT}" rx="3"/>` +
    text(x, y + BASELINE, symbol.box, 'middle')
  );
}

function drawMeters({ measurements }: Layout, x: number, y: (wire: number) => number): string[] {
  return measurements.map(({ wire, bits }) => {
    const [top, middle] = [y(wire) - BOX_HEIGHT / 2, x + METER_WIDTH / 2];
    return (
      `<g><title>measured to bit ${bits.join(', ')}</title>` +
      `<rect class="meter" x="${x}" y="${top}" width="${METER_WIDTH}" height="${BOX_HEIGHT}" rx="3"/>` +
      `<path class="needle" d="M${middle - 9} ${top + 19}a9 9 0 0 1 18 0M${middle} ${top + 19}l6 -11"/>` +
      `${text(x + METER_WIDTH + BOX_PADDING, y(wire) + BASELINE, bitsText(bits))}</g>`
    );
  });
}

/** With the space before the next column. */
function widthOf(layout: Layout, column: number): number {
  if (column >= layout.gateColumns) return METER_WIDTH + bitsWidth(layout) + COLUMN_GAP;
  let width = 2 * CONTROL_RADIUS;
  for (const { gate } of layout.gatesIn(column)) {
    for (const symbol of symbolsOf(gate, UNICODE_SIGNS)) width = Math.max(width, symbolWidth(symbol));
  }
  return width + COLUMN_GAP;
}

function symbolWidth(symbol: GateSymbol): number {
  if (symbol === 'control') return 2 * CONTROL_RADIUS;
  return symbol === 'target' ? 2 * TARGET_RADIUS : boxWidth(symbol.box);
}

function pageWidth(layout: Layout, { from, to }: Page): number {
  let width = 0;
  for (let column = from; column < to; column++) width += widthOf(layout, column);
  return Math.max(width, COLUMN_GAP);
}

function bitsWidth({ measurements }: Layout): number {
  return BOX_PADDING + Math.max(...measurements.map(({ bits }) => textWidth(bitsText(bits))));
}

function bitsText(bits: readonly number[]): string {
  const shown = bits.slice(0, SHOWN_BITS).map((bit) => `c${bit}`);
  return `${shown.join(',')}${bits.length > SHOWN_BITS ? '…' : ''}`;
}

function boxWidth(label: string): number {
  return textWidth(label) + 2 * BOX_PADDING;
}

function textWidth(content: string): number {
  return content.length * CHARACTER;
}

function text(x: number, y: number, content: string, place?: 'middle'): string {
  return `<text${place === undefined ? '' : ` class="${place}"`} x="${x}" y="${y}">${escaped(content)}</text>`;
}

function escaped(content: string): string {
  // XML cannot have the last two at all.
  const plain = onOneLine(content).replaceAll(/[\uFFFE\uFFFF]/g, '\uFFFD');
  return plain.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function variables(colours: Colours): string {
  return Object.entries(colours)
    .map(([name, colour]) => `--${name}:var(--circuit-${name},${colour});`)
    .join('');
}

function paint(property: 'fill' | 'stroke', colour: Colour): string {
  return `${property}:${LIGHT[colour]};${property}:var(--${colour});`;
}

function rule(selector: string, declarations: string): string {
  return `.coda-circuit${selector}{${declarations}}`;
}
