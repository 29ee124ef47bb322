// The results as a table, for the terminal and for the README.
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

const HEAD = ['figure', 'goal', 'this node', 'bare loop', 'original', '÷ bare', 'vs. original', ''] as const;

/** A Markdown table with the machine below it. */
export function tableOf({ rows, machine, takenAt, form }: Results): string {
  const cells = [[...HEAD], ...rows.map(cellsOf)];
  const widths = HEAD.map((_, column) => Math.max(3, ...cells.map((row) => [...(row[column] ?? '')].length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - [...cell].length)).join(' | ')} |`;
  const [head = [], ...body] = cells;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  const shortened = form === 'full' ? '' : ` A ${form} run: too short to count.`;
  const missing = rows.some(({ original }) => original !== undefined) ? '' : ' The original was not here.';
  const notes = rows.flatMap(({ what, note }) => (note === undefined ? [] : [`${what}: ${note}.`]));
  return [
    [line(head), rule, ...body.map(line)].join('\n'),
    `Median, and in brackets the least and the most over the repetitions; the ratio to the bare loop is the median of those of the single turns. Taken ${takenAt.slice(0, 10)} on ${machineLine(machine)}.${shortened}${missing}`,
    ...notes,
  ].join('\n\n');
}

/** `text` with the table between the two markers. */
export function withTable(text: string, results: Results): string {
  const [begin, end] = MARKERS;
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`there is no ${begin} … ${end} to put the table between`);
  return `${text.slice(0, from + begin.length)}\n\n${tableOf(results)}\n\n${text.slice(to)}`;
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

/** Three digits that count, and no more. */
function rounded(value: number): string {
  if (value === 0) return '0';
  const digits = Math.max(0, Math.min(4, 2 - Math.floor(Math.log10(Math.abs(value)))));
  return value.toLocaleString('en-US', { maximumFractionDigits: digits });
}
