// The executor and the plugins of the lab fail in every way that code can.
import { waitUntil } from '../../../../src/testing/index.ts';
import type { Fault } from '../fault.ts';
import { EVERYWHERE } from '../place.ts';
import type { Night } from '../night.ts';

/** A plugin of the lab, until the file `go` is there. */
const plugin = (trouble: string) => (night: Night) => {
  night.write(
    'coda.config.mjs',
    `import { existsSync } from 'node:fs';
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const isTroubled = () => existsSync(new URL('./trouble', import.meta.url));
export default { plugins: [{
  name: 'lab-notes',
  apply(node) {
    node.hooks.onJob.tapPromise('lab-notes', async () => { ${trouble} });
  },
}] };
`,
  );
};

const outcome = async ({ world }: Night, jobId: string): Promise<void> => {
  await waitUntil(`the outcome of ${jobId}`, () => world.cloud.results.has(jobId));
};

const MOST_STARTS = 4;
const byItself = (): void => {};

/** A job that fails because of its executor. */
const spoils = (behaviour: 'throws' | 'nonsense') => async (night: Night) => {
  await outcome(night, await night.spoiledJob(behaviour));
};

const ENDED_BY_EXECUTOR: Omit<Fault, 'name' | 'inject'> = {
  node: 'dies',
  prepare: ({ node }) => void (node.env['CODA_MAX_DELIVERIES'] = '2'),
  // It takes the job again, until that has been tried often enough.
  async heal(night) {
    for (let start = 1; start <= MOST_STARTS; start++) {
      night.start();
      const isUp = await night.node.serving().then(
        () => true,
        () => false,
      );
      const ended = await night.node.ended(3_000).catch(() => undefined);
      if (isUp && ended === undefined) return;
    }
  },
  cause: /process\.exit|exit code 3|exited[^\n]*3/i,
  remedy: /executor/i,
  where: ['status'],
  after: ['log'],
};

export const EXECUTOR_FAULTS: readonly Fault[] = [
  {
    name: 'the executor throws',
    inject: spoils('throws'),
    heal: byItself,
    cause: /throws-\d.*the fridge is warm|the fridge is warm.*throws-\d/,
    remedy: /executor/i,
    where: ['log'],
  },
  {
    name: 'the executor returns nonsense',
    inject: spoils('nonsense'),
    heal: byItself,
    cause: /nonsense-\d.*counts|counts.*nonsense-\d/,
    remedy: /executor/i,
    where: ['log'],
  },
  {
    name: 'the executor returns a time below zero',
    inject: async (night) => outcome(night, await night.job('negative')),
    heal: byItself,
    cause: /(time|executionTimeMs|execution_time_ms)[^\n]*(below zero|negative|-1\.5)|-1\.5/i,
    remedy: /executor/i,
    where: ['log'],
  },
  {
    name: 'the executor hangs',
    prepare({ node }) {
      node.env['CODA_JOB_TIMEOUT_SEC'] = '1';
      node.env['CODA_CANCEL_GRACE_SEC'] = '0.5';
    },
    inject: (night) => night.spoiledJob('hangs'),
    heal: (night) => night.go(),
    cause: /executor[^\n]*(still runs|hangs|does not end|abandoned)/i,
    remedy: /restart|start[^\n]*again|coda stop|cancelCurrentJob|signal/i,
    where: EVERYWHERE,
  },
  {
    name: 'the executor blocks the event loop',
    inject: async (night) => outcome(night, await night.job('blocks', 3_000)),
    heal: byItself,
    cause: /blocked for [^\n]*blocks-\d/,
    remedy: /child process|worker/,
    where: ['log'],
  },
  {
    name: 'the executor ends the process',
    async inject(night) {
      await night.idle();
      await night.spoiledJob('exits', 50);
    },
    ...ENDED_BY_EXECUTOR,
  },
  {
    name: 'the executor ends the process, just after another job',
    inject: (night) => night.spoiledJob('exits', 0),
    ...ENDED_BY_EXECUTOR,
  },
  {
    name: 'a plugin throws in onJob',
    prepare: plugin("if (isTroubled()) throw new Error('no calibration today');"),
    async inject(night) {
      night.write('trouble', '');
      await outcome(night, await night.spoiledJob('job'));
      night.spoiled.add(night.nextJob('job', 5));
    },
    heal: (night) => night.remove('trouble'),
    cause: /job-\d.*lab-notes.*no calibration|lab-notes.*no calibration.*job-\d/,
    remedy: /plugin/i,
    where: ['log'],
    flows: true,
  },
  {
    name: 'a plugin hangs in onJob',
    prepare: plugin('while (isTroubled()) await wait(20);'),
    inject: (night) => night.write('trouble', ''),
    heal: (night) => night.remove('trouble'),
    cause: /lab-notes[^\n]*onJob|onJob[^\n]*lab-notes/,
    remedy: /plugin/i,
    where: EVERYWHERE,
  },
];
