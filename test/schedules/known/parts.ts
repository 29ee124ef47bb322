// What known schedules are written with.
import assert from 'node:assert/strict';
import type { HandMove, Schedule } from '../schedule.ts';
import type { World } from '../world.ts';

export interface Known extends Schedule {
  readonly name: string;
  /** What must be so at the end, beside all promises. */
  readonly expect?: (world: World, lines: readonly string[]) => void;
}

export const one = { nodes: 1, isFast: true } as const;
export const two = { nodes: 2, isFast: true } as const;
/** For longer than a lease. */
export const away = ['pass a lease', 'pass a lease'] as const;

/** Redis handles so many commands of a connection, and answers each. */
export const answersOf = (connection: string, count: number): HandMove[] =>
  Array.from({ length: count }, (): HandMove[] => [
    `now Redis handles ${connection}`,
    `now the answers of Redis reach ${connection}`,
  ]).flat();

export const runs =
  (count: number, jobId = 'job-1') =>
  (world: World): void =>
    assert.equal(world.ledger.get(jobId).runs.length, count, `runs of ${jobId}`);

export const isState =
  (state: string, jobId = 'job-1') =>
  (world: World): void =>
    assert.equal(world.stateOf(jobId), state);

export const isMeasured =
  (jobId = 'job-1') =>
  (world: World): void =>
    assert.match(world.ledger.get(jobId).taken ?? '', /"completed"/);

export const isKept = (world: World): void =>
  assert.equal(world.ledger.get('job-1').sights.has('handed back'), false);
