// The soak in a short form: its parts work together, and it finds a leak that a plugin of the node has.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { World } from '../chaos/world.ts';
import { DAY, type Hour } from './day.ts';
import { growthOf } from './growth/growth.ts';
import { playHour } from './hour.ts';
import { LEAKED_MIB } from './node/leak.ts';
import { play, type HourFigures, type Plan } from './play.ts';
import { reportOf, textOf } from './report.ts';
import { verdictOf, type Slope } from './growth/slope.ts';
import { openStage } from './stage.ts';
import { Trouble } from './trouble.ts';

/** The first fault is a kill. */
const SHORT: Plan = { days: 1, killDays: 1, hourMs: 50, faultEveryMs: 1_000, mostAwayMs: 100 };
const SEED = 1;

/** The hours that take the processor for long are left out. */
const SHORT_DAY: readonly Hour[] = [
  ...DAY.filter(
    ({ name }, i) => DAY.findIndex((one) => one.name === name) === i && !/bursts|full rate|large/.test(name),
  ),
  {
    name: 'until a kill',
    what: '',
    async play({ load, node }) {
      do await load.add(3, { runMs: 5 });
      while (node.life === 'node#1');
    },
  },
];

describe('the soak', () => {
  it('plays its hours, with faults, and keeps every promise', async () => {
    const played = await play({ plan: SHORT, seed: SEED, day: SHORT_DAY });
    const report = reportOf(played, SHORT, SEED);
    assert.deepEqual(report.broken, []);
    assert.equal(report.hours.length, SHORT_DAY.length);
    assert.ok((report.faults['kill -9'] ?? 0) > 0, JSON.stringify(report.faults));
    assert.match(textOf(report), /^every promise was kept$/m);
  });

  it('finds the memory and the descriptors that a plugin keeps of each job', async () => {
    const [leaking, healthy] = await Promise.all([slopes(['leak.js']), slopes([])]);
    // Half of what is planted, in a million jobs.
    const bounds = { heap: (LEAKED_MIB * 1e6) / 2, descriptors: 1e6 / 2 };
    for (const what of ['heap', 'descriptors'] as const) {
      assert.equal(verdictOf(leaking[what], bounds[what]), 'grows', JSON.stringify(leaking));
      assert.notEqual(verdictOf(healthy[what], bounds[what]), 'grows', JSON.stringify(healthy));
    }
    const found = leaking.heap?.slope ?? 0;
    assert.ok(found > 0.8 * 2 * bounds.heap && found < 1.5 * 2 * bounds.heap, String(found));
  });
});

/** Of four days of three hours, after one of warm-up; in a million jobs. */
async function slopes(plugins: readonly string[]): Promise<{ heap?: Slope; descriptors?: Slope }> {
  const few: Hour = { name: 'few', what: '', play: async ({ load }) => void (await load.add(20)) };
  const world = await World.open(SEED);
  const hours: HourFigures[] = [];
  try {
    const stage = await openStage(world, { mostJobs: 1_000, calmMs: () => Infinity, plugins });
    const trouble = new Trouble(SHORT);
    for (let at = 0; at < 15; at++) {
      const taken = await playHour(stage, few, 1, trouble);
      const millionJobs = stage.book.ended / 1e6;
      // Each hour as long as the others, however busy the machine is.
      hours.push({ day: Math.floor(at / 3), hour: at % 3, name: few.name, hours: at, millionJobs, ...taken });
    }
  } finally {
    await world.close();
  }
  const growth = growthOf(hours);
  const of = (name: string): Slope | undefined => growth.find((one) => one.name === name)?.aMillionJobs;
  const [heap, descriptors] = [of('heap after a collection'), of('file descriptors')];
  return { ...(heap && { heap }), ...(descriptors && { descriptors }) };
}
