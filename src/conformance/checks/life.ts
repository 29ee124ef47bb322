// The life of an executor: whether it grows with its runs, and what it leaves behind at its end.
import { readdirSync, readFileSync } from 'node:fs';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../errors.ts';
import { endsWithin } from '../../net/timing.ts';
import type { Check } from '../check.ts';
import { ordinary } from '../circuits.ts';
import type { Lab } from '../lab.ts';
import { Fault, LeftOut } from '../verdict.ts';

const RUNS = 1000;
const FEWEST_RUNS = 200;
/** To see how long one takes. */
const TRIED_RUNS = 5;
const WINDOWS = 10;
const LONGEST_MS = 30_000;
/** The memory of a program moves by less than that, and a circuit or a context that is kept takes more. */
const GROWTH_BYTES = 512;
/** Child processes are measured by pages of the system. */
const CHILD_GROWTH_BYTES = 20_000;
/** Files, connections, timers and listeners. */
const GROWTH_OPEN = 0.5;
const CLOSE_MS = 10_000;
const SETTLE_MS = 1_000;

export const LIFE_CHECKS: readonly Check[] = [
  {
    id: 'growth',
    title: 'a thousand runs leave nothing behind',
    why: 'A node runs for months: what each run leaves behind ends it in the middle of a job.',
    needs: ['errors'],
    shots: () => TRIED_RUNS + RUNS,
    async run(lab) {
      const collect = collector();
      const runs = await affordableRuns(lab);
      if ((await growthFault(lab, runs, collect)) === undefined) return `${runs} runs`;
      // What a program needs once, it may take its time to get.
      if (runs > lab.left) throw new LeftOut('the budget of shots does not allow a second look');
      const what = await growthFault(lab, runs, collect);
      if (what !== undefined) {
        throw new Fault(
          what,
          'Look for lists and maps that only grow, listeners that are never removed, and files or connections that stay open.',
        );
      }
      return `${runs} runs`;
    },
  },
  {
    id: 'uncaught',
    title: 'it leaves no error uncaught',
    why: 'The node continues, but a run whose error nobody catches may never end, and its job with it.',
    needs: [],
    shots: () => 0,
    async run(lab) {
      const { strays } = lab;
      if (strays === undefined) throw new LeftOut('the test runner sees them');
      // They are known a turn later.
      await nextTurn();
      const [first, ...others] = strays;
      if (first === undefined) return undefined;
      throw new Fault(
        `nobody caught: ${first}${others.length === 0 ? '' : `; and ${others.length} more`}`,
        'Await every promise, or give it a catch; also those that are still on their way when a run is cancelled. Have emitters such as sockets an error listener.',
      );
    },
  },
  {
    id: 'close',
    title: 'close ends, and leaves nothing open',
    why: 'A node that stops waits for it, and the device has to be free for the next one.',
    needs: [],
    shots: () => 0,
    async run(lab) {
      const closed = lab.close().catch((thrown: unknown) => {
        throw new Fault(
          `close failed: ${messageOf(thrown)}`,
          'Release what can be released, and throw only if the device is not free afterwards.',
        );
      });
      if (!(await endsWithin(closed, CLOSE_MS))) {
        throw new Fault(
          `close has not ended after ${CLOSE_MS / 1000} s`,
          'End what runs, then the connections. The node does not wait longer.',
        );
      }
      const open = await stillOpen(lab);
      if (open !== '') {
        lab.warn(
          `after close there is still open: ${open}`,
          'Clear timers, and close connections, servers, workers and child processes in close().',
          'It keeps a process alive, such as that of a test.',
        );
      }
      return undefined;
    },
  },
];

/** What each of so many runs leaves behind, if anything. */
async function growthFault(lab: Lab, runs: number, collect: () => void): Promise<string | undefined> {
  const perWindow = Math.round(runs / WINDOWS);
  const sizes = [await sizeOf(collect)];
  for (let window = 0; window < WINDOWS; window++) {
    for (let i = 0; i < perWindow; i++) await lab.run(ordinary(lab.terms), 1);
    sizes.push(await sizeOf(collect));
  }
  const growth = (of: keyof Size): number => medianGrowth(sizes.map((size) => size[of])) / perWindow;
  if (growth('open') > GROWTH_OPEN) {
    return 'each run leaves something open: a file, a connection, a timer or a listener';
  }
  if (growth('bytes') > GROWTH_BYTES) {
    return `each run leaves about ${Math.round(growth('bytes'))} bytes behind`;
  }
  if (growth('childBytes') > CHILD_GROWTH_BYTES) {
    return `its child processes grow by about ${Math.round(growth('childBytes') / 1000)} kB with each run`;
  }
  return undefined;
}

/** As many runs as there is time for; throws LeftOut if these are too few to tell. */
async function affordableRuns(lab: Lab): Promise<number> {
  const begin = performance.now();
  for (let i = 0; i < TRIED_RUNS; i++) await lab.run(ordinary(lab.terms), 1);
  const msPerRun = (performance.now() - begin) / TRIED_RUNS;
  const runs = Math.min(RUNS, Math.floor(LONGEST_MS / msPerRun));
  if (runs >= FEWEST_RUNS) return runs;
  throw new LeftOut(
    `a run takes ${Math.round(msPerRun)} ms: ${FEWEST_RUNS} of them, which tell, take more than ${LONGEST_MS / 1000} s`,
  );
}

/** Has the garbage collected; throws LeftOut if this program cannot ask for it. */
function collector(): () => void {
  try {
    // Not imported: only this needs them.
    process.getBuiltinModule('node:v8').setFlagsFromString('--expose-gc');
    const collect: unknown = process.getBuiltinModule('node:vm').runInNewContext('gc');
    if (typeof collect === 'function') return () => void Reflect.apply(collect, undefined, []);
  } catch {
    // Not this engine.
  }
  throw new LeftOut('this program cannot ask for its garbage to be collected');
}

interface Size {
  readonly bytes: number;
  readonly childBytes: number;
  /** Files, timers, connections, and listeners of the process. */
  readonly open: number;
}

async function sizeOf(collect: () => void): Promise<Size> {
  for (let i = 0; i < 2; i++) {
    await nextTurn();
    collect();
  }
  const { heapUsed, external } = process.memoryUsage();
  const listeners = process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
  return {
    bytes: heapUsed + external,
    childBytes: childrenMemory(process.pid),
    open: listeners + process.getActiveResourcesInfo().length + openFiles(),
  };
}

/** The growth from one size to the next that is usual: what happens once does not count. */
function medianGrowth(sizes: readonly number[]): number {
  const steps = sizes.slice(1).map((size, i) => size - (sizes[i] ?? size));
  return steps.toSorted((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 0;
}

/** 0 where the system does not tell. */
function openFiles(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
}

/** The memory of all child processes, in bytes; 0 where the system does not tell. */
function childrenMemory(pid: number): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const children = threads.flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
    return children.reduce((sum, child) => sum + residentMemory(child) + childrenMemory(child), 0);
  } catch {
    return 0;
  }
}

function residentMemory(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes ?? 0) * 1024;
}

/** What keeps the process alive that did not do so before the executor was made; given a moment to end. */
async function stillOpen(lab: Lab): Promise<string> {
  const end = performance.now() + SETTLE_MS;
  for (;;) {
    const open = lab.stillOpen();
    if (open === '' || performance.now() > end) return open;
    await sleep(20);
  }
}
