// The taps of plugins that have not settled, although a good part of their time is over: the node is not ready while a
// job waits for one, and says of every other one what is slow.
import type { ReadinessReport } from './readiness.ts';

export interface SlowTap {
  readonly plugin: string;
  readonly hook: string;
  /** Monotonic milliseconds. */
  readonly since: number;
  /** Infinity: it is waited for. */
  readonly limitMs: number;
  /** What fails with it at its limit, if anything does. */
  readonly fails: 'job' | 'start' | undefined;
}

const CONSEQUENCES = { job: 'the job fails and the node continues', start: 'the start fails' } as const;

export class SlowTaps {
  readonly #slow = new Set<SlowTap>();

  /** Returns what to call when it has settled. */
  add(tap: SlowTap): () => void {
    this.#slow.add(tap);
    return () => this.#slow.delete(tap);
  }

  report(report: ReadinessReport): void {
    const told = new Set<string>();
    for (const tap of this.#slow) {
      const { text, remedy } = troubleOf(tap);
      const { plugin, hook, fails } = tap;
      // A tap may hang for each of many jobs: the oldest call tells enough.
      if (told.has(`${hook} ${plugin}`)) continue;
      told.add(`${hook} ${plugin}`);
      if (fails === 'job') report.notReady(text, remedy);
      else report.trouble(text, remedy);
    }
  }
}

export function troubleOf({ plugin, hook, since, limitMs, fails }: SlowTap): {
  text: string;
  remedy: string;
} {
  const seconds = Math.round((performance.now() - since) / 1000);
  const waits = fails === undefined ? '' : `, and the ${fails === 'job' ? 'next job' : fails} waits for it`;
  const consequence = fails === undefined ? 'the node continues without it' : CONSEQUENCES[fails];
  const limit = limitMs === Infinity ? '' : `After ${limitMs / 1000} s (hookTimeoutSec) ${consequence}. `;
  return {
    text: `plugin '${plugin}' has not settled in ${hook} after ${seconds} s${waits}`,
    remedy: `${limit}See what the plugin waits for.`,
  };
}
