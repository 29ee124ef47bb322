// Reports the end of a job: its counts as a histogram, or why there are none.
import type { JobEnd, Verdict } from '../../testing/index.ts';
import { histogram } from '../terminal/histogram.ts';
import { paint, type Output } from '../terminal/output.ts';

export interface JobReport {
  readonly end: JobEnd;
  /** What the circuit is, for people. */
  readonly title?: string | undefined;
  /** Absent if it is not known which counts are right. */
  readonly verdict?: Verdict | undefined;
  /** False for a device that may be noisy: wrong counts are then mentioned, but are no error. */
  readonly isExact?: boolean;
}

/** The lines about the end of a job. Write them at once, so that the lines of two jobs do not mix. */
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
