// From XADD to the webhook on an idle node.
import { setTimeout as sleep } from 'node:timers/promises';
import { inTrial, inTurns, rowOf, type Figure, type Sample } from '../figure.ts';
import type { Lab } from '../lab/lab.ts';
import { percentile } from '../lab/stats.ts';
import type { TrialOptions } from '../lab/trial.ts';

export const latency: Figure = {
  name: 'latency',
  title: 'latency on an idle node',
  async measure(lab) {
    const repetitions = lab.size({ full: 3, quick: 1, tiny: 1 });
    const turns = { node: repetitions, bare: repetitions, original: 1 };
    const samples = await inTurns(lab, 'XADD to webhook', turns, (subject) => latencyOf(lab, { subject }));
    return [
      rowOf(
        {
          figure: 'latency',
          what: 'XADD to webhook on an idle node, p50',
          goal: '≤ 1.5 × bare sequential',
          unit: 'ms',
          better: 'lower',
        },
        samples,
        'p50',
        ({ perBare }) => perBare <= 1.5,
      ),
    ];
  },
};

/** From XADD to the webhook, one job at a time. */
export function latencyOf(
  lab: Lab,
  options: Pick<TrialOptions, 'subject' | 'env' | 'rttMs'>,
): Promise<Sample<'p50' | 'p99'>> {
  const jobs = lab.size({ full: 200, quick: 60, tiny: 10 });
  return inTrial(lab, { ...options, executor: 'createNoop', bareLoop: 'sequential' }, async (trial) => {
    await (await trial.start()).ready();
    const sentAt = new Map<number, number>();
    for (let i = 0; i < jobs; i++) {
      const { number, at } = await trial.submit();
      sentAt.set(number, at);
      await trial.delivered();
      await trial.settled();
      // Random, so that the times do not line up with a timer of the subject.
      await sleep(5 + 20 * Math.random());
    }
    const arrivedAt = await trial.finish();
    const times = [...sentAt].map(([number, at]) => (arrivedAt.get(number) ?? NaN) - at);
    // The first job also opens connections.
    return { p50: percentile(times.slice(1), 50), p99: percentile(times.slice(1), 99) };
  });
}
