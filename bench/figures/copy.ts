// What the second copy of an outcome in Redis costs: the same node with it and without, in turns.
import { rowOf, type Figure, type Row, type RowWords, type Sample } from '../figure.ts';
import type { Lab } from '../lab/lab.ts';
import { latencyOf } from './latency.ts';
import { rateOf, type Rate } from './throughput.ts';

const FAR_MS = 50;

type Metric = Rate | 'nearMs' | 'farMs';

const METRICS: readonly (Pick<RowWords, 'what' | 'unit' | 'better'> & { readonly metric: Metric })[] = [
  { metric: 'perSec', what: 'throughput', unit: 'jobs/s', better: 'higher' },
  { metric: 'cpuUs', what: 'processor time a job at that rate', unit: 'µs', better: 'lower' },
  { metric: 'nearMs', what: 'XADD to webhook on an idle node, p50', unit: 'ms', better: 'lower' },
  { metric: 'farMs', what: `the same, ${FAR_MS} ms round trip, p50`, unit: 'ms', better: 'lower' },
];

export const copy: Figure = {
  name: 'copy',
  title: 'the second copy of an outcome',
  async measure(lab) {
    const repetitions = lab.size({ full: 3, quick: 2, tiny: 1 });
    const samples = { without: [] as Sample<Metric>[], with: [] as Sample<Metric>[] };
    for (let round = 0; round < repetitions; round++) {
      samples.without.push(await once(lab, false));
      samples.with.push(await once(lab, true));
    }
    return METRICS.flatMap(({ metric, what, ...words }): Row[] =>
      (['without', 'with'] as const).map((how) =>
        rowOf(
          { figure: 'copy', goal: '', ...words, what: `${what}, ${how} copies` },
          { node: samples[how], bare: [], original: [] },
          metric,
        ),
      ),
    );
  },
};

async function once(lab: Lab, hasCopies: boolean): Promise<Sample<Metric>> {
  const jobs = lab.size({ full: 20_000, quick: 5_000, tiny: 200 });
  const subject = 'node';
  const env = { CODA_OUTCOME_COPY: String(hasCopies) };
  const rate = await rateOf(lab, subject, { executor: 'createNoop', warmUp: jobs / 5, jobs, env });
  const near = await latencyOf(lab, { subject, env });
  const far = await latencyOf(lab, { subject, env, rttMs: FAR_MS });
  const sample = { ...rate, nearMs: near.p50, farMs: far.p50 };
  lab.say(
    `  ${hasCopies ? 'with' : 'without'} copies: ${sample.perSec.toFixed(0)} jobs/s, ${sample.cpuUs.toFixed(1)} µs a job, ${sample.nearMs.toFixed(2)} ms, ${sample.farMs.toFixed(1)} ms`,
  );
  return sample;
}
