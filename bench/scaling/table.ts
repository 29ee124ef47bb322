// The scaling figures as docs/scaling.md shows them; a test compares the two.
import { between } from '../table.ts';

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

export interface ShardFigure extends Figure {
  /** 0: one server that is no cluster. */
  readonly shards: number;
  /** CPU time of all nodes together, milliseconds a job. */
  readonly nodeMs: number;
  /** CPU time of all servers of Redis together, milliseconds a job. */
  readonly redisMs: number;
}

export interface Machine {
  readonly cores: number;
  readonly node: string;
  readonly redis: string;
  /** Of the minute before. Above 0.3 or so, something else was running. */
  readonly loadBefore?: number;
}

export interface Measurement<F> {
  readonly machine: Machine;
  readonly figures: readonly F[];
}

/** Each part with the machine on which it was taken. */
export interface Results {
  readonly concurrency: Measurement<Figure>;
  /** Absent until they are taken on a machine that does nothing else. */
  readonly shards?: Measurement<ShardFigure>;
}

/** Where in docs/scaling.md the tables are. */
const MARKERS = {
  concurrency: ['<!-- nodes and concurrency: begin -->', '<!-- nodes and concurrency: end -->'],
  shards: ['<!-- nodes and shards: begin -->', '<!-- nodes and shards: end -->'],
} as const;
const NOT_TAKEN = 'These figures have not been taken yet.';

const TITLES: Record<Kind, string> = {
  timer: 'jobs/s (ideal), 20 ms wait',
  cpu: 'jobs/s (ideal), 5 ms CPU',
};

/** The page with the tables of these results. */
export function withTables(page: string, { concurrency, shards }: Results): string {
  const taken = between(page, MARKERS.concurrency, `${tables(concurrency.figures)}\n${where(concurrency)}`);
  const block = shards === undefined ? NOT_TAKEN : `${shardTable(shards.figures)}\n${where(shards)}`;
  return between(taken, MARKERS.shards, block);
}

function where({ machine: { cores, node, redis, loadBefore } }: Measurement<unknown>): string {
  const load = loadBefore === undefined ? '' : `, after a minute with a load of ${loadBefore.toFixed(1)}`;
  return `Taken with ${cores} cores, Node ${node}, Redis ${redis}${load}.`;
}

/** One Markdown table for each kind of executor: a row for each number of nodes, a column for each concurrency. */
export function tables(figures: readonly Figure[]): string {
  return (['timer', 'cpu'] as const)
    .map((kind) => table(figures.filter((figure) => figure.kind === kind)))
    .join('\n');
}

/** A Markdown table: a row for each number of nodes, a column for each number of shards. */
export function shardTable(figures: readonly ShardFigure[]): string {
  const columns = distinct(figures.map(({ shards }) => shards));
  const rows = distinct(figures.map(({ nodes }) => nodes)).map((nodes) => [
    nodesText(nodes),
    ...columns.map((shards) => {
      const figure = figures.find((one) => one.nodes === nodes && one.shards === shards);
      if (figure === undefined) return '';
      const { jobsPerSecond, ideal, nodeMs, redisMs } = figure;
      return `${shown(jobsPerSecond)} (${shown(ideal)}); ${nodeMs.toFixed(2)} + ${redisMs.toFixed(2)} ms`;
    }),
  ]);
  const titles = columns.map((shards) =>
    shards === 0 ? 'one server' : shards === 1 ? 'cluster, 1 shard' : `cluster, ${shards} shards`,
  );
  return markdown(['jobs/s (ideal); CPU a job, nodes + Redis', ...titles], rows);
}

function table(figures: readonly Figure[]): string {
  const [first] = figures;
  if (first === undefined) return '';
  const columns = distinct(figures.map(({ concurrency }) => concurrency));
  const rows = distinct(figures.map(({ nodes }) => nodes)).map((nodes) => [
    nodesText(nodes),
    ...columns.map((concurrency) => {
      const figure = figures.find((one) => one.nodes === nodes && one.concurrency === concurrency);
      return figure === undefined ? '' : `${shown(figure.jobsPerSecond)} (${shown(figure.ideal)})`;
    }),
  ]);
  return markdown([TITLES[first.kind], ...columns.map((concurrency) => `concurrency ${concurrency}`)], rows);
}

function distinct(numbers: readonly number[]): number[] {
  return [...new Set(numbers)];
}

function nodesText(nodes: number): string {
  return nodes === 1 ? '1 node' : `${nodes} nodes`;
}

function markdown(header: readonly string[], rows: readonly (readonly string[])[]): string {
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
