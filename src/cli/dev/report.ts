// How the end of a job is told: its counts as a histogram, or why there are none.
import type { JobEnd, Verdict } from '../../testing/index.ts';
import { histogram } from '../terminal/histogram.ts';
import { paint, type Output } from '../terminal/output.ts';

export interface JobReport {
  readonly end: JobEnd;
  /** For people: what the circuit is. */
  readonly title?: string | undefined;
  /** Left out where nothing is known about the physics. */
  readonly verdict?: Verdict | undefined;
  /** False for a device that may be noisy: wrong counts are then worth a word, but no error. */
  readonly isExact?: boolean;
}

/** The lines that tell how a job ended; written at once, so that those of two jobs never mix. */
export function reportLines({ end, title, verdict, isExact = true }: JobReport, out: Output): string[] {
  const name = title === undefined ? end.job_id : `${end.job_id}  ${title}`;
  switch (end.status) {
    case 'completed': {
      const figures = `${end.shots_completed} shots, ${end.execution_time_ms.toFixed(1)} ms`;
      const lines = [`${name}  ${paint(out, 'dim', figures)}`];
      lines.push(...histogram(end.counts, out).map((line) => `    ${line}`));
      if (verdict !== undefined) lines.push(`  ${verdictLine(verdict, isExact, out)}`);
      return lines;
    }
    case 'failed':
      return [name, `  ${paint(out, 'red', '✗ failed:')} ${end.error}`];
    case 'cancelled':
      return [name, `  ${paint(out, 'dim', '– cancelled')}`];
  }
}

function verdictLine({ ok, reason }: Verdict, isExact: boolean, out: Output): string {
  if (ok) return `${paint(out, 'green', '✓')} ${reason}`;
  if (isExact) return `${paint(out, 'red', '✗ wrong physics:')} ${reason}`;
  return `${paint(out, 'dim', '– not ideal:')} ${reason}`;
}
