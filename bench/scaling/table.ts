// The scaling figure as docs/scaling.md shows it; a test compares the two.

export type Kind = 'timer' | 'cpu';

export interface Configuration {
  readonly kind: Kind;
  readonly nodes: number;
  readonly concurrency: number;
}

export interface Figure extends Configuration {
  readonly jobsPerSecond: number;
  /** The rate that the executors alone would allow. */
  readonly ideal: number;
}

const TITLES: Record<Kind, string> = {
  timer: 'jobs/s (ideal), 20 ms wait',
  cpu: 'jobs/s (ideal), 5 ms CPU',
};

/** One Markdown table for each kind of executor: a row for each number of nodes, a column for each concurrency. */
export function tables(figures: readonly Figure[]): string {
  return (['timer', 'cpu'] as const)
    .map((kind) => table(figures.filter((figure) => figure.kind === kind)))
    .join('\n');
}

function table(figures: readonly Figure[]): string {
  const [first] = figures;
  if (first === undefined) return '';
  const distinct = (numbers: readonly number[]): number[] => [...new Set(numbers)];
  const columns = distinct(figures.map(({ concurrency }) => concurrency));
  const rows = distinct(figures.map(({ nodes }) => nodes)).map((nodes) => [
    nodes === 1 ? '1 node' : `${nodes} nodes`,
    ...columns.map((concurrency) => {
      const figure = figures.find((one) => one.nodes === nodes && one.concurrency === concurrency);
      return figure === undefined ? '' : `${shown(figure.jobsPerSecond)} (${shown(figure.ideal)})`;
    }),
  ]);
  const header = [TITLES[first.kind], ...columns.map((concurrency) => `concurrency ${concurrency}`)];
  const widths = header.map((cell, i) =>
    Math.max(...[header, ...rows].map((row) => row[i]?.length ?? cell.length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |\n`;
  return line(header) + line(widths.map((width) => '-'.repeat(width))) + rows.map(line).join('');
}

function shown(number: number): string {
  return number.toLocaleString('en-US');
}
