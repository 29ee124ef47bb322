// Plays the days of a soak. All but the last ones are one life of the process, since only a long life shows growth; the kills
// are in the last ones.
import { messageOf } from '../../src/errors.ts';
import { waitUntil } from '../../src/testing/index.ts';
import { World } from '../chaos/world.ts';
import { DAY, type Hour } from './day.ts';
import { playHour, type Taken } from './hour.ts';
import { openStage, type Stage } from './stage.ts';
import { Trouble, type TroublePlan } from './trouble.ts';

export interface Plan extends TroublePlan {
  readonly days: number;
  /** Of them, those at the end in which the node is killed. */
  readonly killDays: number;
  /** How long an hour of the day takes. */
  readonly hourMs: number;
}

/** The figures of one hour of one day. */
export interface HourFigures extends Taken {
  readonly day: number;
  readonly hour: number;
  readonly name: string;
  /** Real hours since the start, and the millions of jobs that had ended by then. */
  readonly hours: number;
  readonly millionJobs: number;
}

export interface Played {
  readonly hours: readonly HourFigures[];
  /** How often each fault was played. */
  readonly faults: Readonly<Record<string, number>>;
  /** Why the disk could not be filled, if so. */
  readonly noSmallDisk?: string | undefined;
  readonly jobs: number;
  /** Outcomes that came again, the same. */
  readonly repeats: number;
  /** Jobs whose run a kill has cut off. */
  readonly cutOff: number;
  readonly broken: readonly string[];
}

export interface PlayOptions {
  readonly plan: Plan;
  readonly seed: number;
  /** Other hours than those of the whole day. */
  readonly day?: readonly Hour[];
  readonly onHour?: (figures: HourFigures, faults: number) => void;
}

/** More jobs a second than the node does. */
const MOST_RATE = 10_000;

export async function play({ plan, seed, day: hoursOfDay = DAY, onHour }: PlayOptions): Promise<Played> {
  const world = await World.open(seed);
  const trouble = new Trouble(plan);
  const hours: HourFigures[] = [];
  const seconds = (plan.days * hoursOfDay.length * plan.hourMs) / 1_000;
  let stage: Stage | undefined;
  try {
    const mostJobs = Math.ceil((seconds + 60) * MOST_RATE);
    stage = await openStage(world, { mostJobs, calmMs: () => trouble.calmMs });
    trouble.begin(stage);
    const startedAt = performance.now();
    for (let day = 0; day < plan.days; day++) {
      trouble.withKills = day >= plan.days - plan.killDays;
      for (const [hour, what] of hoursOfDay.entries()) {
        const taken = await playHour(stage, what, plan.hourMs, trouble);
        const figures: HourFigures = {
          day,
          hour,
          name: what.name,
          hours: (performance.now() - startedAt) / 3_600_000,
          millionJobs: stage.book.ended / 1e6,
          ...taken,
        };
        hours.push(figures);
        onHour?.(figures, trouble.total);
      }
    }
    await trouble.end();
    await waitUntil('every acknowledgement', async () => (await world.cloud.pending()) === 0);
    const code = await stage.node.stop();
    world.promise(code === 0, `the node ended with ${code}, asked to stop at the end`);
  } catch (thrown) {
    world.broken.push(`it could not be played to its end: ${messageOf(thrown)}`);
    await trouble.end().catch(() => {});
  }
  stage?.book.check();
  world.broken.push(...(stage?.book.broken ?? []));
  world.checkCloud();
  if (world.broken.length > 0) world.broken.push(`the last words of the node:\n${world.lastWords()}`);
  await world.close();
  return {
    hours,
    faults: Object.fromEntries(trouble.played),
    noSmallDisk: stage?.noSmallDisk,
    jobs: stage?.book.submitted ?? 0,
    repeats: stage?.book.repeats ?? 0,
    cutOff: stage?.book.cutOff ?? 0,
    broken: world.broken,
  };
}
