// The faults of a soak, one after the other, from a shuffled deck: each comes as often as the others.
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../src/errors.ts';
import type { Random } from '../chaos/random.ts';
import { FAULTS, KILL, type Fault } from './faults.ts';
import type { Stage } from './stage.ts';

export interface TroublePlan {
  readonly faultEveryMs: number;
  readonly mostAwayMs: number;
}

const SHORTEST_AWAY_MS = 50;

export class Trouble {
  /** How often each was played. */
  readonly played = new Map<string, number>();
  /** From now on, every second fault is a kill. */
  withKills = false;
  readonly #plan: TroublePlan;
  readonly #over = new AbortController();
  #isActive = false;
  #calmSince = -Infinity;
  #loop: Promise<void> = Promise.resolve();
  #failure: Error | undefined;

  constructor(plan: TroublePlan) {
    this.#plan = plan;
  }

  /** For how long no fault lasts. */
  get calmMs(): number {
    return this.#isActive ? 0 : performance.now() - this.#calmSince;
  }

  get total(): number {
    return [...this.played.values()].reduce((sum, count) => sum + count, 0);
  }

  begin(stage: Stage): void {
    this.#loop = this.#play(stage).catch((cause: unknown) => {
      this.#failure = new Error(`a fault could not be played: ${messageOf(cause)}`, { cause });
    });
  }

  /** Resolves while no fault lasts; throws if one could not be played. */
  async pause(): Promise<void> {
    while (this.#isActive) await sleep(20);
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Lets the fault end that lasts, and begins no further one. */
  async end(): Promise<void> {
    this.#over.abort();
    await this.#loop;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #play(stage: Stage): Promise<void> {
    const { signal } = this.#over;
    const { faultEveryMs, mostAwayMs } = this.#plan;
    const { random, noSmallDisk } = stage;
    const possible = FAULTS.filter(
      ({ needsSmallDisk }) => needsSmallDisk !== true || noSmallDisk === undefined,
    );
    const away = (): Promise<void> => sleep(random.between(SHORTEST_AWAY_MS, mostAwayMs));
    let deck: Fault[] = [];
    let killedLast = false;
    for (;;) {
      // After the end of the last one: on a busy machine, one may take longer than the time between two.
      await sleep(faultEveryMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      if (deck.length === 0) deck = shuffled(possible, random);
      killedLast = this.withKills && !killedLast;
      const fault = killedLast ? KILL : (deck.pop() ?? KILL);
      this.played.set(fault.name, (this.played.get(fault.name) ?? 0) + 1);
      this.#isActive = true;
      try {
        await fault.happen(stage, away);
      } finally {
        this.#isActive = false;
        this.#calmSince = performance.now();
      }
    }
  }
}

function shuffled(faults: readonly Fault[], random: Random): Fault[] {
  return faults
    .map((fault) => ({ fault, place: random.next() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ fault }) => fault);
}
