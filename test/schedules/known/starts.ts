// Schedules that once broke a promise: how often a job has started, what its node died of, and what has not begun.
import assert from 'node:assert/strict';
import { one, two, runs, isState, isMeasured, isKept, type Known } from './parts.ts';

export const STARTS: readonly Known[] = [
  {
    name: 'a job that kills the node in its first moment is counted, and given up',
    ...one,
    kinds: ['deadly at once'],
    steps: [],
    expect: (world) => {
      runs(2)(world);
      isState('failed')(world);
    },
  },
  {
    name: 'a job that kills the node is counted by the nodes that take it over',
    ...two,
    kinds: ['deadly at once', 'good'],
    steps: ['submit'],
    expect: isMeasured('job-2'),
  },
  {
    name: 'after a crash a result is saved before the next run starts, which may kill the node',
    ...one,
    kinds: ['good', 'deadly at once'],
    steps: ['submit', 'until A runs job-1', 'kill A', 'start A'],
    expect: isMeasured(),
  },
  {
    name: 'a run whose executor died has no outcome, and the job runs again',
    ...one,
    kinds: ['good'],
    steps: ['until A runs job-1', 'kill executor A'],
    expect: (world) => {
      runs(2)(world);
      isMeasured()(world);
    },
  },
  {
    name: 'what was on the device when the node was killed is not handed back after its next start',
    ...one,
    kinds: ['good'],
    steps: [
      'until A runs job-1',
      'kill A',
      'start A',
      'until A: 1 jobs of earlier deliveries',
      'hand back A',
    ],
    expect: isKept,
  },
  {
    name: 'what another node has started is not handed back',
    ...two,
    kinds: ['good'],
    steps: ['until hset', 'kill A', 'until B: 1 jobs of earlier deliveries', 'hand back B'],
    expect: isKept,
  },
  {
    name: 'what has not begun is handed back',
    ...one,
    kinds: ['good', 'good'],
    steps: ['submit', 'until A runs job-1', 'hand back A'],
    expect: (world) => {
      runs(1)(world);
      assert.ok(world.ledger.get('job-2').sights.has('handed back'));
    },
  },
  {
    name: 'to count the starts of a job takes it from no other node',
    ...two,
    features: ['starts'],
    kinds: ['good', 'good', 'exits at once', 'good'],
    steps: ['pass', 'hold B', 0, 'pass', 4, 'pass a lease'],
  },
];
