// A scenario: one kind of fault, under load, and the promises that must hold.
import { messageOf } from '../../src/errors.ts';
import type { Topology } from '../scaling/topology.ts';
import { World } from './world.ts';

/** The size of a run: named numbers, which are also options of the command line. */
export type Size = Readonly<Record<string, number>>;

export interface Report {
  readonly figures: Readonly<Record<string, string | number>>;
  /** Promises that were not kept. */
  readonly broken: readonly string[];
  /** Why it could not be played here, if so. */
  readonly skipped?: string;
  readonly seconds: number;
}

export interface Scenario {
  readonly name: string;
  readonly promise: string;
  readonly long: Size;
  readonly short: Size;
  /** Its parts, if each can be played alone. */
  readonly parts?: readonly string[];
  /** `size` may change single numbers of the form; `only` names the parts that are played. */
  run(seed: number, form: 'long' | 'short', size?: Size, only?: readonly string[]): Promise<Report>;
}

/** Thrown by a scenario that cannot be played on this machine. */
export class Skip extends Error {}

export interface Script<S extends Size> {
  readonly name: string;
  readonly promise: string;
  readonly long: S;
  readonly short: S;
  /** Starts a Redis other than that of the cloud, before everything else. */
  readonly redis?: () => Promise<Topology>;
  readonly play: (world: World, size: S, redis: Topology | undefined) => Promise<void>;
}

export function scenario<S extends Size>({ name, promise, long, short, redis, play }: Script<S>): Scenario {
  return {
    name,
    promise,
    long,
    short,
    async run(seed, form, size = {}) {
      const startedAt = performance.now();
      const topology = await redis?.();
      const world = await World.open(seed, topology?.url(topology.members[0].port));
      let skipped: string | undefined;
      try {
        await play(world, { ...(form === 'long' ? long : short), ...size }, topology);
      } catch (thrown) {
        if (thrown instanceof Skip) skipped = thrown.message;
        else world.broken.push(`it could not be played to its end: ${messageOf(thrown)}`);
      }
      if (world.broken.length > 0) world.broken.push(`the last words of the nodes:\n${world.lastWords()}`);
      await world.close();
      await topology?.close();
      return {
        figures: world.figures,
        broken: world.broken,
        seconds: (performance.now() - startedAt) / 1000,
        ...(skipped === undefined ? {} : { skipped }),
      };
    },
  };
}
