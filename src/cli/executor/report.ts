// What `coda executor check` shows of its results.
import type { CheckReport, CheckResult, Status } from '../../conformance/check.ts';
import { version } from '../../version.ts';
import { paint, type Output } from '../terminal/output.ts';
import { countText } from '../terminal/words.ts';

const MARKS: Readonly<Record<Status, readonly [mark: string, colour: 'green' | 'cyan' | 'red' | 'dim']>> = {
  passed: ['ok      ', 'green'],
  warned: ['warning ', 'cyan'],
  failed: ['FAILURE ', 'red'],
  'left out': ['left out', 'dim'],
};

/** One line for a check, and three for each of its findings. */
export function resultLines(
  { id, title, status, findings, note }: CheckResult,
  width: number,
  out: Output,
): string[] {
  const [mark, colour] = MARKS[status];
  const indent = ' '.repeat(mark.length + width + 4);
  const text = status === 'left out' ? (note ?? title) : note === undefined ? title : `${title} (${note})`;
  return [
    `${paint(out, colour, mark)}  ${id.padEnd(width)}  ${text}`,
    ...findings.flatMap(({ what, why, how }) => [
      `${indent}${what}`,
      `${indent}why: ${why}`,
      `${indent}→ ${how}`,
    ]),
  ];
}

/** Errors of an executor may quote what the configuration keeps secret. */
export function masked(result: CheckResult, mask: (text: string) => string): CheckResult {
  const { findings, note } = result;
  return {
    ...result,
    ...(note === undefined ? {} : { note: mask(note) }),
    findings: findings.map(({ level, what, why, how }) => ({
      level,
      what: mask(what),
      why: mask(why),
      how: mask(how),
    })),
  };
}

export function headLine({ target, qubits }: CheckReport): string {
  return `coda-node ${version}, as a device of ${countText(qubits, 'qubit')} with the native gates ${target}`;
}

export function lastLine({ checks, shots, shotsBudget, seconds }: CheckReport, isStopped: boolean): string {
  const count = (status: Status): number => checks.filter((check) => check.status === status).length;
  const parts = [
    `${count('passed') + count('warned')} passed`,
    ...(count('warned') > 0 ? [countText(count('warned'), 'warning')] : []),
    `${count('failed')} failed`,
    ...(count('left out') > 0 ? [`${count('left out')} left out`] : []),
  ];
  const budget = shotsBudget === null ? '' : ` of at most ${shotsBudget}`;
  const stopped = isStopped ? '; stopped before the end' : '';
  return `${parts.join(', ')}; ${shots} shots${budget} in ${seconds.toFixed(1)} s${stopped}`;
}
