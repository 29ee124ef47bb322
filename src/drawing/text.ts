// A layout as lines of text for a terminal: one line for each wire, one between two wires, folded at the width.
import { fold, gapText, type Page } from './fold.ts';
import { spanOf, type Layout } from './layout.ts';
import { ASCII_SIGNS, symbolsOf, UNICODE_SIGNS, type GateSymbol, type Signs } from './symbols.ts';

export interface TextOptions {
  /** In characters. Default 80. A gate that is wider is not cut. */
  readonly width?: number;
  /** Only ASCII characters. */
  readonly ascii?: boolean;
  /** Of what is longer, the middle is left out; the first and the last page are always there. Default 120. */
  readonly maxLines?: number;
}

interface Glyphs extends Signs {
  readonly wire: string;
  readonly link: string;
  readonly crossing: string;
  readonly left: string;
  readonly right: string;
  readonly control: string;
  readonly target: string;
  readonly result: string;
  readonly follows: string;
  readonly continued: string;
  readonly cut: string;
}

const UNICODE: Glyphs = {
  ...UNICODE_SIGNS,
  ...{ wire: '─', link: '│', crossing: '┼', left: '┤', right: '├', control: '●', target: '⊕' },
  ...{ result: '═', follows: '»', continued: '«', cut: '…' },
};
const ASCII: Glyphs = {
  ...ASCII_SIGNS,
  ...{ wire: '-', link: '|', crossing: '+', left: '[', right: ']', control: '@', target: 'X' },
  ...{ result: '=', follows: '>', continued: '<', cut: '...' },
};

const DEFAULT_WIDTH = 80;
const DEFAULT_LINES = 120;
/** More places in the bitstring than these are not written. */
const SHOWN_BITS = 3;

/** What a column shows, all of it as wide as the column with what comes after it. */
interface Column {
  readonly width: number;
  /** By wire; a wire without one has `wire`. */
  readonly texts: ReadonlyMap<number, string>;
  readonly wire: string;
  /** Below which wires a line goes down to the next one: `link`; else there is `space`. */
  readonly links: ReadonlySet<number>;
  readonly link: string;
  readonly space: string;
}

/** The lines of the drawing. What is left out is said in a line of its own. */
export function drawText(layout: Layout, options: TextOptions = {}): string[] {
  const { width = DEFAULT_WIDTH, ascii = false, maxLines = DEFAULT_LINES } = options;
  const glyphs = ascii ? ASCII : UNICODE;
  const labels = labelsOf(layout);
  const linesOfPage = 2 * layout.wires.length;
  const most = Math.max(2, Math.floor((maxLines + 1) / linesOfPage));
  const room = width - (labels[0] ?? '').length - glyphs.continued.length - 2 * glyphs.wire.length;
  const widthOf = (column: number): number => columnOf(layout, column, glyphs).width;
  const { head, gap, tail } = fold(layout.columns, widthOf, room, most);
  const pages = (list: readonly Page[]): string[] =>
    list.flatMap((page, index) => [...(index === 0 ? [] : ['']), ...linesOf(layout, page, labels, glyphs)]);
  if (gap === undefined) return pages(head);
  return [...pages(head), '', `${glyphs.cut} ${gapText(layout, gap)} ${glyphs.cut}`, '', ...pages(tail)];
}

function labelsOf({ wires }: Layout): string[] {
  const names = wires.map((qubit) => `q${qubit}:`);
  const width = Math.max(...names.map((name) => name.length));
  return names.map((name) => `${name.padEnd(width)} `);
}

function linesOf(layout: Layout, page: Page, labels: readonly string[], glyphs: Glyphs): string[] {
  const isFirst = page.from === 0;
  const isLast = page.to === layout.columns;
  const start = isFirst ? glyphs.wire : `${glyphs.continued}${glyphs.wire}`;
  const columns = Array.from({ length: page.to - page.from }, (_, at) =>
    columnOf(layout, page.from + at, glyphs),
  );
  return labels.flatMap((label, index) => {
    const line = label + start + columns.map(({ texts, wire }) => texts.get(index) ?? wire).join('');
    const below = columns.map(({ links, link, space }) => (links.has(index) ? link : space)).join('');
    const gap = ' '.repeat(label.length + start.length) + below;
    const lines = [isLast ? line.trimEnd() : line + glyphs.follows];
    return index === labels.length - 1 ? lines : [...lines, gap.trimEnd()];
  });
}

/** Texts of different lengths have their middle, where the lines go down, at the same place. */
function centred(text: string, width: number, filler: string): string {
  const before = Math.floor((width - 1) / 2) - Math.floor((text.length - 1) / 2);
  return filler.repeat(before) + text + filler.repeat(width - before - text.length);
}

function columnOf(layout: Layout, column: number, glyphs: Glyphs): Column {
  if (column >= layout.gateColumns) return measurementColumn(layout, glyphs);
  const texts = new Map<number, string>();
  const links = new Set<number>();
  for (const { gate, wires } of layout.gatesIn(column)) {
    const [top, bottom] = spanOf(wires);
    for (let wire = top; wire < bottom; wire++) {
      links.add(wire);
      texts.set(wire, glyphs.crossing);
    }
    for (const [index, symbol] of symbolsOf(gate, glyphs).entries()) {
      texts.set(wires[index] ?? 0, textOf(symbol, glyphs));
    }
  }
  const width = widest(texts);
  const { wire } = glyphs;
  const finished = (text: string, filler: string): string => centred(text, width, filler) + filler;
  return {
    width: width + wire.length,
    texts: new Map([...texts].map(([index, text]) => [index, finished(text, wire)])),
    wire: finished(wire, wire),
    links,
    link: finished(glyphs.link, ' '),
    space: finished(' ', ' '),
  };
}

function measurementColumn({ measurements }: Layout, glyphs: Glyphs): Column {
  const texts = new Map(
    measurements.map(({ wire, bits }) => {
      const shown = bits.slice(0, SHOWN_BITS).map((bit) => `c${bit}`);
      const places = `${shown.join(',')}${bits.length > SHOWN_BITS ? glyphs.cut : ''}`;
      return [wire, `${textOf({ box: 'M' }, glyphs)}${glyphs.result} ${places}`];
    }),
  );
  const width = widest(texts);
  const space = ' '.repeat(width);
  return {
    width,
    texts: new Map([...texts].map(([wire, text]) => [wire, text.padEnd(width)])),
    wire: glyphs.wire.padEnd(width),
    links: new Set(),
    link: space,
    space,
  };
}

function textOf(symbol: GateSymbol, glyphs: Glyphs): string {
  return typeof symbol === 'string' ? glyphs[symbol] : `${glyphs.left}${symbol.box}${glyphs.right}`;
}

function widest(texts: ReadonlyMap<number, string>): number {
  return Math.max(1, ...[...texts.values()].map((text) => text.length));
}
