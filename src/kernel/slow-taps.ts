// The taps of plugins that have not settled, although a good part of their time is over: the node is not ready while the
// device waits for one, and says of every other one what is slow.
import { BusyTaps } from './busy-taps.ts';
import type { ReadinessReport } from './readiness.ts';

/** What waits for a tap while the node runs: the device, and with it all jobs, or only the job of the tap. */
export type Holds = 'device' | 'job';

export interface SlowTap {
  readonly plugin: string;
  readonly hook: string;
  /** Monotonic milliseconds. */
  readonly since: number;
  /** Infinity: it is waited for. */
  readonly limitMs: number;
  /** For people: `hookTimeoutSec`, or that the tap has a limit of its own. */
  readonly limitFrom: string;
  /** Undefined: nothing. */
  readonly waiting: Holds | 'start' | undefined;
}

const WAITS = { device: 'the next job', job: 'its job', start: 'the start' } as const;
const CONSEQUENCES = {
  device: 'the job fails, and the node continues once the plugin ends',
  job: 'the job fails and the node continues',
  start: 'the start fails',
} as const;

export class SlowTaps {
  readonly #slow = new Set<SlowTap>();
  /** Those that hold the event loop up. */
  readonly busy = new BusyTaps();

  /** Returns what to call when it has settled. */
  add(tap: SlowTap): () => void {
    this.#slow.add(tap);
    return () => this.#slow.delete(tap);
  }

  report(report: ReadinessReport): void {
    const told = new Set<string>();
    for (const tap of this.#slow) {
      const { text, remedy } = troubleOf(tap);
      const { plugin, hook, waiting } = tap;
      // A tap may hang for each of many jobs: the oldest call tells enough.
      if (told.has(`${hook} ${plugin}`)) continue;
      told.add(`${hook} ${plugin}`);
      if (waiting === 'device') report.notReady(text, remedy);
      else report.trouble(text, remedy);
    }
  }
}

export function troubleOf({ plugin, hook, since, limitMs, limitFrom, waiting }: SlowTap): {
  text: string;
  remedy: string;
} {
  const seconds = Math.round((performance.now() - since) / 1000);
  const waits = waiting === undefined ? '' : `, and ${WAITS[waiting]} waits for it`;
  const consequence = waiting === undefined ? 'the node continues without it' : CONSEQUENCES[waiting];
  const limit = limitMs === Infinity ? '' : `After ${limitMs / 1000} s (${limitFrom}) ${consequence}. `;
  return {
    text: `plugin '${plugin}' has not settled in ${hook} after ${seconds} s${waits}`,
    remedy: `${limit}See what the plugin waits for.`,
  };
}
