// A figure: what is measured, how, and its goal; and the rows of the table that it gives.
import type { Lab } from './lab/lab.ts';
import { percentile, spreadOf, type Spread } from './lab/stats.ts';
import type { SubjectName } from './lab/subject.ts';
import { Trial, type TrialOptions } from './lab/trial.ts';

export interface Figure {
  /** On the command line: `npm run bench -- gap`. */
  readonly name: string;
  readonly title: string;
  measure(lab: Lab): Promise<readonly Row[]>;
}

export type Verdict = 'met' | 'missed';

/** One line of the table. */
export interface Row {
  readonly figure: string;
  /** What is measured: `50 ms round trip, 20 ms runs: p50`. */
  readonly what: string;
  readonly goal: string;
  readonly unit: string;
  readonly better: 'lower' | 'higher';
  readonly node?: Spread;
  readonly bare?: Spread;
  readonly original?: Spread;
  /** This node's value divided by the bare loop's of the same turn; the median over the turns. */
  readonly perBare?: number;
  /** Absent if the row has no goal of its own, or could not be measured. */
  readonly verdict?: Verdict;
  readonly note?: string;
}

/** The values of one repetition, by name. */
export type Sample<Metric extends string> = Readonly<Record<Metric, number>>;
export type Samples<Metric extends string> = Readonly<Record<SubjectName, readonly Sample<Metric>[]>>;

/** Repetitions of each subject. Subjects without any are left out. */
export type Repetitions = Partial<Readonly<Record<SubjectName, number>>>;

/** Measures the subjects in turns, so that a change of the machine's speed affects all of them. */
export async function inTurns<Metric extends string>(
  lab: Lab,
  what: string,
  repetitions: Repetitions,
  measure: (subject: SubjectName, round: number) => Promise<Sample<Metric>>,
): Promise<Samples<Metric>> {
  const samples: Record<SubjectName, Sample<Metric>[]> = { node: [], bare: [], original: [] };
  const rounds = Math.max(...Object.values(repetitions));
  for (let round = 0; round < rounds; round++) {
    for (const subject of lab.subjects) {
      if (round >= (repetitions[subject] ?? 0)) continue;
      try {
        const sample = await measure(subject, round);
        samples[subject].push(sample);
        lab.say(`  ${what}, ${subject}: ${shown(sample)}`);
      } catch (thrown) {
        // If the original loses jobs or hangs, only the original has no figure.
        if (subject !== 'original') throw thrown;
        lab.say(`  ${what}, ${subject}: none. ${String(thrown).split('\n')[0]}`);
      }
    }
  }
  return samples;
}

/** Runs one trial, and ends its process even after an error. */
export async function inTrial<T>(
  lab: Lab,
  options: TrialOptions,
  run: (trial: Trial) => Promise<T>,
): Promise<T> {
  const trial = await Trial.open(lab, options);
  try {
    return await run(trial);
  } finally {
    await trial.abandon();
  }
}

export interface RowWords {
  readonly figure: string;
  readonly what: string;
  readonly goal: string;
  readonly unit: string;
  readonly better: 'lower' | 'higher';
  readonly note?: string;
}

/** The medians of the subjects that were measured. */
export interface Medians {
  readonly node: number;
  readonly bare: number | undefined;
  readonly original: number | undefined;
  /** The median of this node's value divided by the bare loop's of the same turn; NaN if the bare loop has none. */
  readonly perBare: number;
}

/** The row of one metric. `isMet` judges the medians; leave it out if the row has no goal. */
export function rowOf<Metric extends string>(
  words: RowWords,
  samples: Samples<Metric>,
  metric: Metric,
  isMet?: (medians: Medians) => boolean,
): Row {
  const spread = (subject: SubjectName): Spread | undefined => {
    const values = samples[subject].map((sample) => sample[metric]).filter((value) => !Number.isNaN(value));
    return values.length === 0 ? undefined : spreadOf(values);
  };
  const [node, bare, original] = [spread('node'), spread('bare'), spread('original')];
  if (node === undefined) return { ...words, note: words.note ?? 'not measured: this system has no /proc' };
  const perBare = perBareOf(samples, metric);
  const verdict = isMet?.({ node: node.median, bare: bare?.median, original: original?.median, perBare });
  return {
    ...words,
    node,
    ...(bare === undefined ? {} : { bare }),
    ...(original === undefined ? {} : { original }),
    ...(Number.isFinite(perBare) ? { perBare } : {}),
    ...(verdict === undefined ? {} : { verdict: verdict ? 'met' : 'missed' }),
  };
}

/** Only values of the same turn are comparable: the machine may be half as fast an hour later. */
function perBareOf<Metric extends string>({ node, bare }: Samples<Metric>, metric: Metric): number {
  const ratios = node.flatMap((sample, turn) => {
    const other = bare[turn]?.[metric];
    return other === undefined ? [] : [sample[metric] / other];
  });
  return ratios.length === 0 ? NaN : percentile(ratios, 50);
}

function shown(sample: Sample<string>): string {
  return Object.entries(sample)
    .map(([name, value]) => `${name} ${value.toPrecision(4)}`)
    .join(', ');
}
