// Whether the node answers as fast, and a job costs the same, with fifty pages open, while jobs run as fast as they can.
import { join } from 'node:path';
import { inTrial, rowOf, type Figure, type Row, type Sample } from '../figure.ts';
import type { Lab } from '../lab/lab.ts';
import type { PagesApi } from '../lab/pages-process.ts';
import type { PollerApi } from '../lab/poller-process.ts';
import { cpuMs, hasProc } from '../lab/proc.ts';
import { Remote } from '../lab/remote.ts';
import { percentile } from '../lab/stats.ts';

type Metric = 'p50' | 'p99' | 'cpuUs';

const PAGES = 50;
const ASK_EVERY_MS = 20;

export const page: Figure = {
  name: 'page',
  title: 'the page, open many times',
  async measure(lab) {
    const repetitions = lab.size({ full: 3, quick: 1, tiny: 1 });
    const none: Sample<Metric>[] = [];
    const open: Sample<Metric>[] = [];
    for (let round = 0; round < repetitions; round++) {
      none.push(await once(lab, 0));
      open.push(await once(lab, PAGES));
    }
    const cost = percentile(
      none.map(({ cpuUs }) => cpuUs),
      50,
    );
    return [...rowsOf('no page open', none), ...rowsOf(`${PAGES} pages open`, open, cost)];
  },
};

/** `cost`: of a job without pages; if it is given, the rows have goals. */
function rowsOf(what: string, samples: readonly Sample<Metric>[], cost?: number): Row[] {
  const words = { figure: 'page', unit: 'ms', better: 'lower' as const };
  const all = { node: samples, bare: [], original: [] };
  const hasGoal = cost !== undefined;
  return [
    rowOf(
      { ...words, what: `/health at full rate, ${what}, p50`, goal: hasGoal ? '≤ 10 ms' : '' },
      all,
      'p50',
      hasGoal ? ({ node }) => node <= 10 : undefined,
    ),
    rowOf({ ...words, what: `/health at full rate, ${what}, p99`, goal: '' }, all, 'p99'),
    rowOf(
      {
        ...words,
        what: `processor time a job at full rate, ${what}`,
        goal: hasGoal ? '≤ 1.1 × without' : '',
        unit: 'µs',
      },
      all,
      'cpuUs',
      hasGoal ? ({ node }) => node <= 1.1 * cost : undefined,
    ),
  ];
}

function once(lab: Lab, pages: number): Promise<Sample<Metric>> {
  const jobs = lab.size({ full: 40_000, quick: 10_000, tiny: 200 });
  return inTrial(lab, { subject: 'node', executor: 'createNoop' }, async (trial) => {
    const readers = new Remote<PagesApi>(join(import.meta.dirname, '..', 'lab', 'pages-process.js'));
    const poller = new Remote<PollerApi>(join(import.meta.dirname, '..', 'lab', 'poller-process.js'));
    try {
      const { port, pid } = await trial.start();
      await trial.subject.ready();
      await trial.fill(Math.ceil(jobs / 5));
      await trial.delivered();
      await trial.settled();
      await readers.call('open', { port, count: pages });
      const cpuBefore = hasProc ? cpuMs(pid) : NaN;
      await poller.call('start', { port, everyMs: ASK_EVERY_MS });
      await trial.fill(jobs);
      await trial.delivered();
      const times = await poller.call('stop');
      await trial.settled();
      const cpu = (hasProc ? cpuMs(pid) : NaN) - cpuBefore;
      const { bytes, ended } = await readers.call('close');
      if (ended > 0) throw new Error(`${ended} of ${pages} pages were cut off`);
      await trial.finish();
      const sample = {
        p50: percentile(times, 50),
        p99: percentile(times, 99),
        cpuUs: (1000 * cpu) / jobs,
      };
      lab.say(
        `  ${pages} pages: p50 ${sample.p50.toFixed(2)} ms, p99 ${sample.p99.toFixed(2)} ms, ${sample.cpuUs.toFixed(1)} µs a job, ${bytes} bytes`,
      );
      return sample;
    } finally {
      readers.close();
      poller.close();
    }
  });
}
