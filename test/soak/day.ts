// A day of a busy QPU, hour by hour. Hours are shortened, rates are not: a shorter hour has fewer jobs, not faster ones.
import { setTimeout as sleep } from 'node:timers/promises';
import { bell } from '../../src/testing/index.ts';
import type { Stage } from './stage.ts';

export interface Hour {
  readonly name: string;
  readonly what: string;
  /** Puts its jobs into the stream until `ends`, which is of performance.now(). */
  readonly play: (stage: Stage, ends: number) => Promise<void>;
}

const BURST = 3_000;
/** At full rate: enough that the node always has some to read. */
const UNDER_WAY = 1_000;
const CHUNK = 100;
const LARGE_GATES = 20_000;
const LARGE_CIRCUIT = JSON.stringify({
  ...bell('cz').ir,
  gates: Array.from({ length: LARGE_GATES }, (_, i) => ({ gate: 'rx', qubits: [i % 2], params: [i / 7] })),
});

const night: Hour = {
  name: 'night',
  what: 'a job every five seconds',
  play: ({ load }, ends) => repeat(ends, 5_000, () => load.add(1, { runMs: 5 })),
};

const lookedAt: Hour = {
  name: 'looked at',
  what: 'few jobs; the page is open, metrics are scraped, `coda status` is asked',
  async play({ load, look }, ends) {
    const closePage = await look.openPage();
    await look.status();
    await repeat(ends, 500, async () => {
      await load.add(2, { runMs: 2 });
      await look.metrics();
    });
    closePage();
  },
};

const bursts: Hour = {
  name: 'bursts',
  what: `${shown(BURST)} small jobs at once, every four seconds`,
  play: ({ load, book }, ends) =>
    repeat(ends, 4_000, async () => {
      // One on top of the other, while nothing moves, would be a backlog and no burst.
      if (book.open.size < BURST) await load.add(BURST);
    }),
};

const steady: Hour = {
  name: 'steady',
  what: 'at most 40 jobs a second, of 1 to 20 ms: the waits are measured here',
  play: ({ load, random }, ends) =>
    repeat(ends, 25, () => load.add(1, { runMs: random.between(1, 20), isMeasured: true })),
};

const large: Hour = {
  name: 'large circuits',
  what: `one of ${shown(LARGE_GATES)} gates each second, and ten small ones`,
  play: ({ load }, ends) =>
    repeat(ends, 1_000, async () => {
      await load.add(1, { ir: LARGE_CIRCUIT, runMs: 5 });
      await load.add(10, { runMs: 1 });
    }),
};

const long: Hour = {
  name: 'long runs',
  what: 'runs of up to three seconds, one after the other',
  play: ({ load, book, random }, ends) =>
    repeat(ends, 20, async () => {
      if (book.open.size > 0) return;
      const left = Math.max(1, Math.round(ends - performance.now()));
      await load.add(1, { runMs: Math.min(random.between(500, 3_000), left) });
    }),
};

const cancels: Hour = {
  name: 'cancels',
  what: 'jobs that are cancelled in the queue, on the device, or as they end',
  play: ({ load, random }, ends) =>
    repeat(ends, 100, async () => {
      const jobs = await load.add(3, { runMs: 40, ending: 'either' });
      await sleep(random.between(0, 130));
      for (const job of jobs) await load.cancel(job);
    }),
};

const failing: Hour = {
  name: 'failing jobs',
  what: 'runs that throw, and circuits that are none, between good jobs',
  play: ({ load }, ends) =>
    repeat(ends, 200, async () => {
      await load.add(1, { fails: true });
      await load.add(1, { ir: '{"version":"1.0","gates":', ending: 'failed' });
      await load.add(3);
    }),
};

const fullRate: Hour = {
  name: 'full rate',
  what: `as many small jobs as the node takes, ${shown(UNDER_WAY)} under way`,
  play: ({ load, book }, ends) =>
    repeat(ends, 2, async () => {
      while (book.open.size <= UNDER_WAY - CHUNK && performance.now() < ends) await load.add(CHUNK);
    }),
};

const batches: Hour = {
  name: 'batches',
  what: 'ten jobs at once, which the device takes together',
  play: ({ load }, ends) => repeat(ends, 100, () => load.add(10, { runMs: 2 })),
};

/** From midnight on. */
export const DAY: readonly Hour[] = [
  ...[night, night, night, night, night, night],
  ...[lookedAt, bursts, steady, bursts, steady, large],
  ...[steady, long, cancels, failing, steady, fullRate],
  ...[steady, batches, fullRate, steady, night, night],
];

/** Calls `step` at once, and again after each pause. */
async function repeat(ends: number, pauseMs: number, step: () => Promise<unknown>): Promise<void> {
  do {
    await step();
    await sleep(Math.max(0, Math.min(pauseMs, ends - performance.now())));
  } while (performance.now() < ends);
}

function shown(number: number): string {
  return number.toLocaleString('en-US');
}
