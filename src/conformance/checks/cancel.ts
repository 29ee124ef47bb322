// Whether a run can be stopped, how soon the device is free again, and whether the node lives on meanwhile.
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../errors.ts';
import { endsWithin } from '../../net/timing.ts';
import type { Check } from '../check.ts';
import { ordinary } from '../circuits.ts';
import type { Lab, LongRun, Running } from '../lab.ts';
import type { Terms } from '../terms.ts';
import { Fault, LeftOut } from '../verdict.ts';

const SHOTS = 20;
/** A run that blocks the loop for so long, and for most of its time, holds up heartbeats and cancels. */
const BLOCKED_MS = 200;
/** A cancelled run that takes so much of the time that it had left was not stopped. */
const NOT_STOPPED = 0.8;
const SOON_MS = 250;
/** Runs with more shots are rare. */
const COMMON_SHOTS = 100_000;
const IDLE_CANCEL_MS = 10_000;

const firstShots = ({ longRun }: Terms): number => longRun ?? 1000;
const NO_CANCEL = 'it has no cancelCurrentJob, or is in Python';
const HOW_TO_CANCEL =
  'Stop the device when context.signal fires, or in cancelCurrentJob, and settle the promise of run once it is free: by an error, or by what was measured.';

export const CANCEL_CHECKS: readonly Check[] = [
  {
    id: 'event-loop',
    title: 'a run leaves the event loop free',
    why: 'Heartbeats, cancels and /health share it: while it stands still, the cloud takes the node for dead.',
    needs: ['bitstrings'],
    shots: firstShots,
    async run(lab) {
      const found = await lab.longRun(() => ordinary(lab.terms));
      const run = 'tooShort' in found ? found.tooShort : found;
      if (!isBlocking(run)) return blockedText(run);
      // A machine that is busy may stop for a moment, but hardly twice.
      if (run.shots > lab.left) throw new LeftOut('the budget of shots does not allow a second look');
      const again = await lab.timed(ordinary(lab.terms), run.shots);
      if (!isBlocking(again)) return blockedText(again);
      const what = `a run of ${again.shots} shots held up the event loop for ${Math.round(again.blockedMs)} of ${Math.round(again.ms)} ms`;
      const how =
        'Wait with `await`, and do long computations in a child process or a worker thread, or pause them every few milliseconds: await setImmediate() of node:timers/promises.';
      if (again.shots <= COMMON_SHOTS) throw new Fault(what, how);
      lab.warn(what, how);
      return undefined;
    },
  },
  {
    id: 'cancel',
    title: 'a run that is cancelled ends soon',
    why: 'The node gives the device nothing new until the cancelled run has ended: until then it does work that nobody wants.',
    needs: ['event-loop'],
    shots: (terms) => 2 * firstShots(terms),
    async run(lab) {
      const long = await longRunOf(lab);
      const ms = await stopped(lab, long, (running) => running.cancel());
      lab.cancelled = ms;
      return `the device was free ${Math.round(ms)} ms after the cancel, in a run of ${Math.round(long.ms)} ms`;
    },
  },
  {
    id: 'after-cancel',
    title: 'the run after a cancelled one works',
    why: 'A cancel that leaves its mark fails the jobs of others.',
    needs: ['event-loop'],
    shots: () => SHOTS,
    async run(lab) {
      if (lab.cancelled === undefined) throw new LeftOut('no run could be cancelled');
      try {
        await lab.run(ordinary(lab.terms), SHOTS);
      } catch (thrown) {
        throw new Fault(
          messageOf(thrown),
          'Forget the cancel once its run has ended: keep no flag that the next run sees.',
        );
      }
      return undefined;
    },
  },
  {
    id: 'signal',
    title: 'the signal alone stops a run',
    why: 'With `concurrency` above 1 only the signal says which run is meant; cancelCurrentJob does not.',
    needs: ['cancel', 'after-cancel'],
    shots: firstShots,
    unless: ({ hasCancel }) =>
      hasCancel ? undefined : `${NO_CANCEL}: the check \`cancel\` had the signal alone`,
    async run(lab) {
      const long = await longRunOf(lab);
      try {
        const ms = await stopped(lab, long, (running) => running.abort());
        return `${Math.round(ms)} ms`;
      } catch (thrown) {
        if (!(thrown instanceof Fault)) throw thrown;
        lab.warn(
          'the run goes on although its signal has fired; cancelCurrentJob does stop it',
          "Listen to it: signal.addEventListener('abort', …), or pass it on: fetch(url, { signal }).",
        );
        return undefined;
      }
    },
  },
  {
    id: 'idle-cancel',
    title: 'cancelCurrentJob does no harm if nothing runs',
    why: 'A cancel may arrive just as its run ends.',
    needs: ['after-cancel'],
    shots: () => SHOTS,
    unless: ({ hasCancel }) => (hasCancel ? undefined : NO_CANCEL),
    async run(lab) {
      const how = 'Have it return at once if nothing runs, and leave nothing behind for the next run.';
      const asked = lab.cancelIdle().catch((thrown: unknown) => {
        throw new Fault(`with nothing running it threw: ${messageOf(thrown)}`, how);
      });
      if (!(await endsWithin(asked, IDLE_CANCEL_MS))) {
        throw new Fault(`with nothing running it has not returned after ${IDLE_CANCEL_MS / 1000} s`, how);
      }
      await lab.run(ordinary(lab.terms), SHOTS).catch((thrown: unknown) => {
        throw new Fault(`after it was called with nothing running, ${messageOf(thrown)}`, how);
      });
      return undefined;
    },
  },
];

function isBlocking({ ms, blockedMs }: LongRun): boolean {
  return blockedMs >= BLOCKED_MS && blockedMs >= ms / 2;
}

function blockedText({ ms, blockedMs }: LongRun): string {
  return `at most ${Math.round(blockedMs)} ms, in a run of ${Math.round(ms)} ms`;
}

async function longRunOf(lab: Lab): Promise<LongRun> {
  const long = await lab.longRun(() => ordinary(lab.terms));
  if (!('tooShort' in long)) {
    if (long.shots <= lab.left) return long;
    throw new LeftOut(`it needs ${long.shots} more shots, and the budget has ${lab.left} left`);
  }
  const { ms, shots } = long.tooShort;
  throw new LeftOut(
    `its longest run took ${Math.round(ms)} ms, with ${shots} shots: too short to be cancelled. --long-run names the shots of a longer one`,
  );
}

/** How long a run takes to end once it is asked to; throws a Fault if it does not end earlier than without that. */
async function stopped(lab: Lab, long: LongRun, stop: (running: Running) => void): Promise<number> {
  const begin = performance.now();
  const running = lab.start(ordinary(lab.terms), long.shots);
  let hasEnded = false;
  const end = running.result
    .then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    .finally(() => (hasEnded = true));
  await sleep(Math.min(50, long.ms / 10));
  if (hasEnded) throw new LeftOut('the run ended before it could be cancelled');
  const asked = performance.now();
  stop(running);
  const thrown = await end;
  if (thrown instanceof Fault) throw thrown;
  const ms = performance.now() - asked;
  if (ms < SOON_MS || ms < NOT_STOPPED * (long.ms - (asked - begin))) return ms;
  throw new Fault(
    `the run ended ${Math.round(ms)} ms after it was cancelled, as late as one that nobody cancels (${Math.round(long.ms)} ms)`,
    HOW_TO_CANCEL,
  );
}
