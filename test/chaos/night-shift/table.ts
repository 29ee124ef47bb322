// The table of the night shift: for the terminal, and for docs/operating.md.
import { readFileSync, writeFileSync } from 'node:fs';
import type { Played } from './play.ts';

/** The page that shows the table. */
export const OPERATING = 'docs/operating.md';
const BEGIN = '<!-- night-shift: begin -->';
const END = '<!-- night-shift: end -->';
const HEAD = ['fault', 'what the log says', 'recovered in', 'jobs'] as const;
const MOST_WORDS = 160;

/** One line for each fault, and below it the promises that were not kept. */
export function lines(played: Played): string {
  const mark = played.broken.length > 0 ? '✗' : played.skipped === undefined ? '✓' : '-';
  const [name, says, recovered, jobs] = cells(played);
  const row = `${mark} ${name} | ${says} | ${recovered} | ${jobs}`;
  return [row, ...played.broken.map((breach) => `    BROKEN: ${breach.replaceAll('\n', '\n      ')}`)].join(
    '\n',
  );
}

export function markdown(all: readonly Played[]): string {
  const row = (words: readonly string[]): string => `| ${words.map(escaped).join(' | ')} |`;
  // A page for operators promises nothing that was not seen.
  const shown = (played: Played): string[] =>
    played.broken.length > 0 ? [played.name, 'not yet as promised', '', ''] : cells(played);
  const rows = [row(HEAD), row(HEAD.map(() => '---')), ...all.map((played) => row(shown(played)))];
  // Its columns would be as wide as the longest log line, so prettier leaves them alone.
  return [BEGIN, '<!-- prettier-ignore-start -->', '', ...rows, '', '<!-- prettier-ignore-end -->', END].join(
    '\n',
  );
}

/** Puts the table between the markers of a page. */
export function writeInto(path: string, all: readonly Played[]): void {
  const page = readFileSync(path, 'utf8');
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`${path} has no place for the table: ${BEGIN} … ${END}`);
  writeFileSync(path, page.slice(0, from) + markdown(all) + page.slice(to + END.length));
}

/** The faults that a page's table names, in its order. */
export function namesIn(page: string): string[] {
  const table = page.slice(page.indexOf(BEGIN), page.indexOf(END));
  const names = [...table.matchAll(/^\| (.+?) \| /gm)].map(([, name = '']) => name);
  // Without the head and its rule.
  return names.slice(2);
}

function cells({ name, says, recoveredSec, jobs, lost, twice, broken, skipped }: Played): string[] {
  if (skipped !== undefined) return [name, `not played: ${skipped}`, '', ''];
  const words = says.length > MOST_WORDS ? `${says.slice(0, MOST_WORDS)}…` : says;
  const recovered = recoveredSec === undefined ? 'not at all' : `${recoveredSec.toFixed(1)} s`;
  const trouble = [
    ...(lost > 0 ? [`${lost} lost`] : []),
    ...(twice > 0 ? [`${twice} run twice`] : []),
    ...(broken.length > 0 ? ['see the report'] : []),
  ];
  return [
    name,
    words === '' ? 'nothing: it continues' : words,
    recovered,
    [`${jobs} done`, ...trouble].join(', '),
  ];
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ');
}
