// Plays random schedules in a process of its own: `worker.js <runs> <seed> [seconds]`. Writes what
// came of them as JSON.
import fc from 'fast-check';
import type { JobFacts } from './ledger.ts';
import { play, schedules, textOf, type Schedule } from './schedule.ts';

/** What the schedules have played, by the number of jobs to which it happened. */
export type Seen = Record<keyof typeof SIGHTS, number>;

export interface Played {
  readonly runs: number;
  readonly seed: number;
  readonly seen: Seen;
  /** The smallest schedule that breaks a promise, with all that happens in it. */
  readonly failure: string | undefined;
}

const SIGHTS = {
  completed: (job: JobFacts) => job.taken?.includes('completed') === true,
  'run again': (job: JobFacts) => job.runs.length > 1,
  'saved, then killed': (job: JobFacts) => job.deaths === 0 && job.savedBy.size > 0 && lives(job) > 1,
  'killed in a run': (job: JobFacts) => job.deaths > 0,
  'taken over': (job: JobFacts) => job.wasClaimed,
  'with a copy in Redis, not run by the node that delivers it': (job: JobFacts) =>
    job.isCopied && job.posts.some(({ life }) => job.runs.every((run) => run.life !== life)),
  'posted again': (job: JobFacts) => job.posts.length > 1,
  cancelled: (job: JobFacts) => job.cancelledIn.size > 0,
  refused: (job: JobFacts) => job.isRefused,
  'with two outcomes, in the limits': (job: JobFacts) => new Set(job.posts.map(({ body }) => body)).size > 1,
  'forgotten by Redis': (job: JobFacts) => job.isForgotten,
  prepared: (job: JobFacts) => job.sights.has('prepared'),
  mapped: (job: JobFacts) => job.sights.has('mapped'),
  'in a batch': (job: JobFacts) => job.sights.has('in a batch'),
  'begun by itself': (job: JobFacts) => job.sights.has('begun by itself'),
  'handed back': (job: JobFacts) => job.sights.has('handed back'),
  'sent again': (job: JobFacts) => job.entries.length > 1,
} as const;

function lives({ posts }: JobFacts): number {
  return new Set(posts.map(({ life }) => life)).size;
}

const [runs = '1', seed = '1', mostSeconds = 'Infinity'] = process.argv.slice(2);
const until = performance.now() + 1_000 * Number(mostSeconds);
let count = 0;
const seen = Object.fromEntries(Object.keys(SIGHTS).map((what) => [what, 0])) as Seen;
// Each error would look up its stack.
Error.stackTraceLimit = 0;
const property = fc.asyncProperty(schedules(), async (schedule) => {
  if (performance.now() > until) return;
  const { ledger } = await play(schedule);
  count += 1;
  for (const job of ledger.jobs.values()) {
    for (const [what, isSeen] of Object.entries(SIGHTS)) if (isSeen(job)) seen[what as keyof Seen] += 1;
  }
});
const checked = await fc.check(property, { numRuns: Number(runs), seed: Number(seed) });
const [schedule] = checked.counterexample ?? [];
const failure = schedule === undefined ? undefined : await storyOf(schedule);
const played: Played = { runs: count, seed: Number(seed), seen, failure };
process.stdout.write(JSON.stringify(played));

async function storyOf(failed: Schedule): Promise<string> {
  const lines: string[] = [];
  Error.stackTraceLimit = 10;
  const end = await play(failed, { trace: (line) => lines.push(line) }).then(
    () => 'it does not fail again',
    (thrown: unknown) => (thrown instanceof Error ? thrown.stack : String(thrown)),
  );
  return [textOf(failed), ...lines, end].join('\n');
}
