// What is checked on the models: the promises, with so much trouble; each limit, taken away; each mutant.
import type { Manner, Settings, Verdict } from './spin.ts';

export interface Check {
  readonly model: 'jobs.pml' | 'starts.pml';
  readonly manner: Manner;
  readonly settings: Settings;
  /** Its size, if it is not two nodes. */
  readonly defines?: readonly string[];
  /** Of the table of states; the default is for small ones. */
  readonly hashBits?: number;
  /** The limit that is taken away, if all promises hold without it. */
  readonly without?: string;
}

const jobs = (settings: Settings, manner: Manner = 'nearest'): Check => ({
  model: 'jobs.pml',
  manner,
  settings,
});
const starts = (settings: Settings): Check => ({ model: 'starts.pml', manner: 'nearest', settings });
const large = (settings: Settings, more: Partial<Check> = {}): Check => ({
  ...jobs(settings, 'deep'),
  hashBits: 24,
  ...more,
});

/** All promises hold. */
export const SMALL: readonly Check[] = [
  jobs({ KILLS: 1, CANCELS: 1 }),
  jobs({ CUTS: 1, CANCELS: 1 }),
  jobs({ CUTS: 1, SLOW_SWEEPS: 1 }),
  jobs({ FORGETS: 1 }),
  jobs({ DRAINS: 1, CANCELS: 1 }),
  jobs({ COPIES: 1, CUTS: 1 }),
  jobs({ KILLS: 1 }, 'endless'),
  jobs({ CUTS: 1 }, 'endless'),
  jobs({ DRAINS: 1, CANCELS: 1 }, 'endless'),
  jobs({ COPIES: 1, KILLS: 1 }, 'endless'),
  ...[1, 2, 3].map((most) => starts({ CRASHES: 4, MOST: most })),
];

/** A second copy of each outcome in Redis closes these limits: all promises hold without them. */
export const CLOSED: readonly Check[] = [
  { ...jobs({ COPIES: 1, WITHOUT: 3, KILLS: 1, CANCELS: 1 }), without: 'lost-disk' },
  { ...jobs({ COPIES: 1, WITHOUT: 4, KILLS: 1, CANCELS: 1 }), without: 'dead-disk' },
];

export const LARGE: readonly Check[] = [
  ...SMALL,
  ...CLOSED,
  large({ KILLS: 1, CUTS: 1, CANCELS: 1 }),
  large({ KILLS: 1, CUTS: 1, SLOW_SWEEPS: 1 }),
  large({ KILLS: 1, CUTS: 1, DRAINS: 1 }),
  large({ KILLS: 1, FORGETS: 1 }),
  large({ CUTS: 1, FORGETS: 1, CANCELS: 1 }),
  large({ CUTS: 1, DRAINS: 1, CANCELS: 1 }),
  large({ CUTS: 2, SLOW_SWEEPS: 1, CANCELS: 1 }),
  large({ KILLS: 2, CUTS: 1 }),
  large({ KILLS: 2, DRAINS: 1, CANCELS: 1 }),
  large({ KILLS: 2 }, { defines: ['-DNODES=3'] }),
  large({ KILLS: 1, CUTS: 1 }, { defines: ['-DNODES=3'] }),
  large({ COPIES: 1, KILLS: 1, CUTS: 1, CANCELS: 1 }),
  large({ COPIES: 1, KILLS: 1, DRAINS: 1, CANCELS: 1 }),
  large({ COPIES: 1, KILLS: 1, FORGETS: 1 }),
  large({ COPIES: 1, KILLS: 2, CUTS: 1 }),
  large({ COPIES: 1, WITHOUT: 3, KILLS: 2, CANCELS: 1 }, { without: 'lost-disk' }),
  large({ KILLS: 1, CUTS: 1, CANCELS: 1 }, { manner: 'endless' }),
  large({ CUTS: 1, DRAINS: 1, CANCELS: 1 }, { manner: 'endless' }),
  large({ KILLS: 1, FORGETS: 1 }, { manner: 'endless' }),
  large({ COPIES: 1, KILLS: 1, CUTS: 1, CANCELS: 1 }, { manner: 'endless' }),
  starts({ CRASHES: 8, MOST: 4 }),
];

/** A limit of the promises, or a mistake in the program, and the promise that breaks with it. */
export interface Breaks {
  readonly name: string;
  readonly check: Check;
  readonly promise: string;
}

const limit = (name: string, number: number, promise: string, settings: Settings = {}): Breaks => ({
  name,
  promise,
  check: jobs({ ...settings, WITHOUT: number }, 'nearest'),
});
const mutant = (name: string, number: number, promise: string, settings: Settings = {}): Breaks => ({
  name,
  promise,
  check: jobs({ ...settings, MUTANT: number }, 'nearest'),
});
const ofStarts = ({ check, ...rest }: Breaks): Breaks => ({
  ...rest,
  check: { ...check, model: 'starts.pml' },
});

/** What is found if the limit is taken away. */
export const LIMITS: readonly Breaks[] = [
  limit('repeat', 1, 'no-needless-repeat'),
  limit('unsaved', 2, 'saved-runs-no-more', { KILLS: 1 }),
  limit('lost-disk', 3, 'saved-runs-no-more', { KILLS: 1 }),
  limit('dead-disk', 4, 'saved-runs-no-more', { KILLS: 1 }),
  limit('open-read', 5, 'given-to-the-living', { KILLS: 1 }),
  limit('found-saved', 6, 'cancel-wins', { KILLS: 1, CANCELS: 1 }),
  limit('cut-off', 7, 'one-run-at-a-time', { CUTS: 1 }),
  limit('one-directory', 8, 'one-run-at-a-time'),
  limit('forgetful', 9, 'one-run-at-a-time', { FORGETS: 1 }),
  limit('clock', 10, 'one-run-at-a-time', { CUTS: 1 }),
  limit('power', 11, 'no-needless-repeat', { KILLS: 1 }),
  limit('early-start', 12, 'one-run-at-a-time', { KILLS: 1, CUTS: 1 }),
  limit('late-cancel', 13, 'final-state-stays', { CANCELS: 1 }),
  limit('uncopied', 16, 'saved-runs-no-more', { COPIES: 1, KILLS: 1 }),
  limit('found-copy', 17, 'no-needless-repeat', { COPIES: 1, KILLS: 1 }),
  ofStarts(limit('early-mark', 14, 'own-starts-only', { CRASHES: 4, MOST: 2 })),
  ofStarts(limit('reading', 15, 'own-starts-only', { CRASHES: 4, MOST: 1 })),
];

/** What is found if the program made a mistake. */
export const MUTANTS: readonly Breaks[] = [
  mutant('acknowledge before save', 1, 'nothing-lost'),
  mutant('post before fsync', 2, 'saved-before-said'),
  mutant('cancel after post', 3, 'cancelled-not-posted', { CANCELS: 1 }),
  mutant('forget the lease', 4, 'one-run-at-a-time'),
  mutant('forget what is done', 5, 'saved-runs-no-more', { FORGETS: 1 }),
  mutant('count a lease from the answer', 6, 'one-run-at-a-time', { CUTS: 1 }),
  mutant('write the state before save', 7, 'saved-before-said'),
  mutant('give nobody time to renew', 8, 'one-run-at-a-time', { CUTS: 1 }),
  mutant('cancel a job that may be lost', 9, 'final-state-stays', { CUTS: 1, CANCELS: 1 }),
  mutant('cancel a failure of another node', 10, 'final-state-stays', { KILLS: 1, CANCELS: 1 }),
  mutant('take what was not renewed for renewed', 11, 'one-run-at-a-time', { CUTS: 1, SLOW_SWEEPS: 1 }),
  mutant('post before the copy is there', 14, 'saved-runs-no-more', { COPIES: 1, KILLS: 1 }),
  mutant('cancel an outcome that was found in Redis', 15, 'final-state-stays', {
    COPIES: 1,
    KILLS: 1,
    CANCELS: 1,
  }),
  mutant('deliver the copy of a job that another node has', 16, 'final-state-stays', { COPIES: 1, CUTS: 2 }),
  ofStarts(mutant('forget the starts', 12, 'gives-up-in-time', { CRASHES: 4, MOST: 2 })),
  ofStarts(mutant('always mark ahead', 13, 'own-starts-only', { CRASHES: 4, MOST: 3 })),
];

/** In words, such as '2 nodes, 1 kill'. */
export function sizeOf({ model, settings, defines = [], without }: Check): string {
  const nodes = defines.find((define) => define.startsWith('-DNODES='))?.split('=')[1] ?? 2;
  const words = model === 'starts.pml' ? ['1 node', '3 jobs'] : [counted(Number(nodes), 'node')];
  const names: Record<string, string> = {
    KILLS: 'kill',
    CUTS: 'cut',
    FORGETS: 'crash of Redis',
    DRAINS: 'drain',
    CANCELS: 'cancel',
    SLOW_SWEEPS: 'slow sweep',
    CRASHES: 'kill',
    MOST: 'start at most',
  };
  for (const [name, value] of Object.entries(settings)) {
    const word = names[name];
    if (word !== undefined) words.push(counted(value, word));
  }
  if (settings['COPIES'] === 1) words.push('copies in Redis');
  if (without !== undefined) words.push(`without ${without}`);
  return words.join(', ');
}

function counted(count: number, word: string): string {
  if (count === 1) return `1 ${word}`;
  const plurals: Record<string, string> = {
    'crash of Redis': 'crashes of Redis',
    'start at most': 'starts at most',
  };
  return `${count} ${plurals[word] ?? `${word}s`}`;
}

/** A section of counterexamples.md. */
export function sectionOf({ name, check }: Breaks, verdict: Verdict): string {
  const steps = (verdict.broken?.steps ?? []).map((step, i) => `${i + 1}. ${step}\n`);
  return `## ${name}\n\n${sizeOf(check)}: ${resultOf(verdict)}\n\n${steps.join('')}`;
}

export function resultOf({ broken, isComplete }: Verdict): string {
  if (broken !== undefined) return `${broken.promise} is broken`;
  return isComplete ? 'all promises hold' : 'not complete';
}
