// The results as a table, for the terminal, for the README (the rows that matter most) and for bench/README.md (all).
import { join } from 'node:path';
import type { Row } from './figure.ts';
import type { Form } from './lab/lab.ts';
import type { Spread } from './lab/stats.ts';
import { machineLine, type Machine } from './machine.ts';

export interface Results {
  readonly form: Form;
  readonly takenAt: string;
  readonly machine: Machine;
  readonly rows: readonly Row[];
}

export const MARKERS = ['<!-- bench: begin -->', '<!-- bench: end -->'] as const;

/** The pages with a table between markers, and the rows that each shows; undefined: all of them. */
export const PAGES: readonly { readonly path: string; readonly rows: readonly string[] | undefined }[] = [
  {
    path: 'README.md',
    rows: [
      'idle gap p50, 20 ms runs, 50 ms round trip',
      'device busy, 20 ms runs, 50 ms round trip',
      'throughput, executor that answers at once',
      'XADD to webhook on an idle node, p50',
      'cancel key to hook, p50',
      'process start to ready (bare: `node -e 0`)',
    ],
  },
  { path: join('bench', 'README.md'), rows: undefined },
];

const HEAD = ['figure', 'goal', 'this node', 'bare loop', 'original', '÷ bare', 'vs. original', ''] as const;

/** A Markdown table with the machine below it. */
export function tableOf({ rows, machine, takenAt, form }: Results): string {
  const cells = [[...HEAD], ...rows.map(cellsOf)];
  const widths = HEAD.map((_, column) =>
    Math.max(3, ...cells.map((row) => Array.from(row[column] ?? '').length)),
  );
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - Array.from(cell).length)).join(' | ')} |`;
  const [head = [], ...body] = cells;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  const shortened = form === 'full' ? '' : ` A ${form} run: too short to count.`;
  const missing = rows.some(({ original }) => original !== undefined)
    ? ''
    : ' The original was not installed.';
  const notes = rows.flatMap(({ what, note }) => (note === undefined ? [] : [`${what}: ${note}.`]));
  return [
    [line(head), rule, ...body.map(line)].join('\n'),
    `Medians, with the lowest and the highest of the repetitions in brackets. \`÷ bare\` is the median of the ratios of each turn. Taken ${takenAt.slice(0, 10)} on ${machineLine(machine)}.${shortened}${missing}`,
    ...notes,
  ].join('\n\n');
}

/** `text` with the table between the two markers: all rows, or only those named. */
export function withTable(text: string, results: Results, names?: readonly string[]): string {
  const rows = names === undefined ? results.rows : names.map((name) => rowNamed(results.rows, name));
  return between(text, MARKERS, tableOf({ ...results, rows }));
}

/** `text` with `block` between the two markers. */
export function between(text: string, [begin, end]: readonly [string, string], block: string): string {
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`there is no ${begin} … ${end} to put the table between`);
  return `${text.slice(0, from + begin.length)}\n\n${block}\n\n${text.slice(to)}`;
}

function rowNamed(rows: readonly Row[], name: string): Row {
  const row = rows.find(({ what }) => what === name);
  if (row === undefined) throw new Error(`the results have no row '${name}'`);
  return row;
}

function cellsOf(row: Row): string[] {
  const { what, goal, unit, better, node, bare, original, perBare, verdict } = row;
  const ratio = (a: Spread | undefined, b: Spread | undefined): string =>
    a === undefined || b === undefined || b.median === 0 ? '' : `${rounded(a.median / b.median)} ×`;
  return [
    what,
    goal,
    spreadText(node, unit),
    spreadText(bare, unit),
    spreadText(original, unit),
    perBare === undefined ? '' : `${rounded(perBare)} ×`,
    better === 'higher' ? ratio(node, original) : ratio(original, node),
    verdict ?? '',
  ];
}

function spreadText(spread: Spread | undefined, unit: string): string {
  if (spread === undefined) return '';
  const { median, min, max, repetitions } = spread;
  const range = repetitions === 1 ? '' : ` (${rounded(min)}–${rounded(max)})`;
  return `${rounded(median)} ${unit}${range}`;
}

/** Rounded to three significant digits. */
function rounded(value: number): string {
  if (value === 0) return '0';
  const digits = Math.max(0, Math.min(4, 2 - Math.floor(Math.log10(Math.abs(value)))));
  return value.toLocaleString('en-US', { maximumFractionDigits: digits });
}
