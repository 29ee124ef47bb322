// Shows everything that the history has of one job.
import { layOut } from '../../drawing/layout.ts';
import { drawText } from '../../drawing/text.ts';
import { findJob, idsBeginning } from '../../history/read.ts';
import type { JobRecord } from '../../history/record.ts';
import { printable } from '../../protocol/text.ts';
import { chooseIds } from '../terminal/choose.ts';
import { histogram } from '../terminal/histogram.ts';
import type { Output } from '../terminal/output.ts';
import { table } from '../terminal/table.ts';
import { countText, momentText, shortTimeText } from '../terminal/words.ts';
import { historyOf, readHistory } from '../local-node/history.ts';
import { jsonOf } from './report.ts';

const LONGEST = 2_000;
const BAR_WIDTH = 32;

export interface ShowRequest {
  readonly stateDir: string;
  /** Its id, or the beginning of it. */
  readonly job: string;
  readonly json: boolean;
  readonly drawing: { readonly ascii: boolean; readonly width: number };
  readonly out: Output;
}

/** Returns the exit code. */
export async function showJob({ stateDir, job: asked, json, drawing, out }: ShowRequest): Promise<number> {
  const folder = historyOf(stateDir, 'jobs show …');
  const find = (id: string): Promise<JobRecord | undefined> =>
    readHistory(folder, (from) => findJob(from, id));
  const exact = await find(asked);
  const ids =
    exact === undefined
      ? await readHistory(folder, (from) => idsBeginning(from, asked))
      : new Set([exact.jobId]);
  const words = {
    thing: 'job',
    what: 'is in the history',
    hint: 'coda jobs --search <text> finds jobs by a part of their id',
  };
  const chosen = chooseIds([asked], ids, words, out);
  if (chosen === undefined) return 1;
  const [id = asked] = chosen;
  const job = exact ?? (await find(id));
  if (job === undefined) return 1;
  if (json) {
    out.json(jsonOf(job), 2);
    return 0;
  }
  for (const line of table(factsOf(job))) out.write(line);
  section(out, timeLines(job, drawing.ascii));
  if (job.delivery.attempts.length > 0) section(out, attemptLines(job));
  if (job.ir !== null) section(out, drawText(layOut(job.ir), drawing));
  if (job.counts !== null) section(out, histogram(job.counts, out));
  if (job.stack !== null) section(out, job.stack.split('\n'));
  return 0;
}

function section(out: Output, lines: readonly string[]): void {
  out.write('');
  for (const line of lines) out.write(line);
}

function factsOf(job: JobRecord): string[][] {
  const { circuit, annotations, delivery } = job;
  const rows = [
    ['job', printable(job.jobId, LONGEST)],
    ['outcome', `${job.outcome}${job.where === null ? '' : ` ${printable(job.where, LONGEST)}`}`],
  ];
  if (job.error !== null) rows.push(['error', printable(job.error, LONGEST)]);
  if (job.origin === 'local') rows.push(['origin', 'run on this machine (coda run)']);
  if (circuit !== null) {
    const { qubits, gates, measurements, shots } = circuit;
    const parts = [
      countText(qubits, 'qubit'),
      countText(gates, 'gate'),
      countText(measurements, 'measurement'),
    ];
    const kept = job.ir === null ? '; the circuit itself was not kept' : '';
    rows.push(['circuit', `${parts.join(', ')}${kept}`], ['shots', shotsText(shots, job.shotsCompleted)]);
  }
  if (job.bytes !== null) rows.push(['message', countText(job.bytes, 'character')]);
  if (job.executionTimeMs !== null)
    rows.push(['device time', `${shortTimeText(job.executionTimeMs)}, as the executor says`]);
  if (job.executor !== null) rows.push(['executor', printable(job.executor, LONGEST)]);
  if (Object.keys(annotations).length > 0)
    rows.push(['annotations', printable(JSON.stringify(annotations), 2 * LONGEST)]);
  if (delivery.state !== 'none') {
    const at = delivery.at === null ? '' : ` at ${momentText(delivery.at)}`;
    rows.push(['delivery', `${delivery.state}${at}`]);
  }
  return rows;
}

function shotsText(asked: number, completed: number | null): string {
  return completed === null || completed === asked ? String(asked) : `${completed} of ${asked}`;
}

/** What happened when, with a bar from each step to the next. */
function timeLines(job: JobRecord, ascii: boolean): string[] {
  const isDeadLetter = job.outcome === 'dead-letter';
  const hasRun = job.startedAt !== null;
  const steps = [
    [job.sentAt, 'written to the stream (clock of Redis)', 'in the stream'],
    [job.takenAt, 'taken by the node', 'checked and prepared'],
    [job.queuedAt, 'ready for the device', 'waited for the device'],
    [job.startedAt, 'run began', 'ran'],
    [
      job.endedAt,
      isDeadLetter ? 'set aside: it is no job' : hasRun ? 'run ended' : job.outcome,
      'waited for its delivery',
    ],
    [job.delivery.at, job.delivery.state, ''],
  ] as const;
  const known = steps.flatMap(([at, what, next]) => (at === null ? [] : [{ at, what, next }]));
  const spans = known.map(({ at }, i) => Math.max(0, (known[i + 1]?.at ?? at) - at));
  const longest = Math.max(...spans);
  const block = ascii ? '#' : '█';
  const rows = known.map(({ at, what, next }, i) => {
    const span = spans[i] ?? 0;
    const isLast = i === known.length - 1;
    const width = longest === 0 ? 0 : Math.ceil((span / longest) * BAR_WIDTH);
    const milliseconds = String(Math.floor(at % 1000)).padStart(3, '0');
    const row = [`${momentText(at)}.${milliseconds}`, what];
    return isLast ? row : [...row, shortTimeText(span), `${next} ${block.repeat(width)}`];
  });
  return table([['TIME', 'WHAT', 'THEN', ''], ...rows]);
}

function attemptLines({ delivery: { attempts } }: JobRecord): string[] {
  const rows = attempts.map(({ number, at, kind, reason }) => [
    String(number),
    momentText(at),
    kind === 'retry' ? 'failed, to be repeated' : kind,
    reason === null ? '' : printable(reason, LONGEST),
  ]);
  return table([['ATTEMPT', 'ENDED', 'HOW', 'WHY'], ...rows]);
}
