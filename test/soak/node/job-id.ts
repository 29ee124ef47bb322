// The ids of the soak's jobs: a number, what is special about the job, and how long it runs (`soak-12-fails~3`).
import { jobIdOf } from '../../chaos/ledger.ts';

/** What is known of the runs of a job: how many there were, and when the last one began; 8 bytes each. */
export const RUN_BYTES = 16;

export function soakJobId(number: number, { fails = false, runMs = 0 } = {}): string {
  return jobIdOf(`soak-${number}${fails ? '-fails' : ''}`, runMs);
}

export function numberOf(text: string): number | undefined {
  const [, number] = /\bsoak-(\d+)/.exec(text) ?? [];
  return number === undefined ? undefined : Number(number);
}
