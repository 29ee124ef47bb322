// The scenario: every fault of the night shift, one after the other; a few quick ones in the short form.
import type { Report, Scenario } from '../scenario.ts';
import { FAULTS } from './faults/index.ts';
import type { Fault } from './fault.ts';
import { play, type Played } from './play.ts';
import { SHORT } from './short.ts';
import { lines } from './table.ts';

export const LONG_SIZE = { recoverSec: 30 };
/** They wait most of the time. */
const AT_ONCE = 2;

export const nightShift: Scenario = {
  name: 'night-shift',
  promise: 'each fault is named in every place, with its remedy; the node recovers, and nothing is lost',
  long: LONG_SIZE,
  short: { recoverSec: 60 },
  parts: FAULTS.map(({ name }) => name),
  async run(seed, form, size = {}, only = []) {
    const startedAt = performance.now();
    const { recoverSec } = { ...LONG_SIZE, ...(form === 'short' ? this.short : {}), ...size };
    const isShort = form === 'short';
    const names = only.length > 0 ? only : isShort ? SHORT : undefined;
    const faults = FAULTS.filter(({ name }) => names?.includes(name) ?? true);
    const all = await playAll(faults, seed, recoverSec, (played) => {
      if (!isShort) process.stdout.write(`${lines(played)}\n`);
    });
    const seconds = (performance.now() - startedAt) / 1_000;
    const broken = all.flatMap(({ name, broken: breaches }) =>
      // The long form has shown them already.
      isShort ? breaches.map((breach) => `${name}: ${breach}`) : breaches.length > 0 ? [name] : [],
    );
    return { figures: figuresOf(all), broken, seconds };
  },
};

/** In the order of the list, whichever ends first. */
export async function playAll(
  faults: readonly Fault[],
  seed: number,
  recoverSec: number,
  onPlayed: (played: Played) => void,
): Promise<Played[]> {
  const all: Played[] = [];
  const waiting = [...faults.entries()];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [i, fault] = next;
      const played = await play(fault, seed, recoverSec);
      all[i] = played;
      onPlayed(played);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return all;
}

function figuresOf(all: readonly Played[]): Report['figures'] {
  const sum = (count: (played: Played) => number): number =>
    all.reduce((total, one) => total + count(one), 0);
  const slowest = Math.max(...all.map(({ recoveredSec = 0 }) => recoveredSec));
  const notPlayed = all.filter(({ skipped }) => skipped !== undefined);
  return {
    faults: all.length - notPlayed.length,
    'as promised': all.filter(({ broken, skipped }) => broken.length === 0 && skipped === undefined).length,
    ...(notPlayed.length === 0 ? {} : { 'not played here': notPlayed.map(({ name }) => name).join(', ') }),
    'recovered in, s, worst': slowest.toFixed(1),
    jobs: sum(({ jobs }) => jobs),
    lost: sum(({ lost }) => lost),
    'run twice': sum(({ twice }) => twice),
  };
}
