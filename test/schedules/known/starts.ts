// Known schedules: how often a job has started, what its node died of, and what has not begun.
import assert from 'node:assert/strict';
import { one, two, answersOf, runs, isState, isMeasured, isKept, type Known } from './parts.ts';

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
    name: 'a job that kills its nodes is given up after as many starts as are allowed, whichever node has them',
    ...two,
    kinds: ['deadly'],
    steps: [
      ...(['until A runs job-1', 'pass', 'pass', "now A's run of job-1 ends"] as const),
      ...(['until B runs job-1', "now B's run of job-1 ends", 'start B'] as const),
    ],
    expect: runs(2),
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
  {
    name: 'a start is counted in Redis before the job starts again: it may be the last thing that the node does',
    nodes: 2,
    isFast: false,
    kinds: ['deadly at once'],
    steps: [
      ...(['kill B', 'until A runs job-1', 'start A', 'until A runs job-1'] as const),
      ...(['start B', 'until B: 1 jobs of earlier'] as const),
    ],
    expect: runs(2),
  },
  {
    // B has crashed before, so that it marks nothing ahead.
    name: 'the starts of a job on a dead node count for the one that takes it over, also after its own death',
    ...two,
    kinds: ['good', 'deadly'],
    steps: [
      ...([
        'kill A',
        'until B runs job-1',
        'kill B',
        'start A',
        'pass',
        'pass',
        'submit',
        'pass',
        'pass',
      ] as const),
      ...(['start B', 'pass', 'pass', "now A's run of job-2 ends", 'until B runs job-2'] as const),
      ...(["now B's run of job-2 ends", 'start B'] as const),
    ],
    expect: runs(2, 'job-2'),
  },
  {
    name: 'that a job is given up is saved before the next one starts, which may kill the node',
    nodes: 1,
    isFast: false,
    kinds: ['deadly at once', 'deadly at once'],
    steps: [
      ...(['submit', 'until A runs job-1', 'start A', 'until A runs job-1', 'start A'] as const),
      'until A: job job-1 failed',
      ...answersOf('A.jobs', 2),
    ],
    expect: runs(2),
  },
  {
    name: 'after a crash plugins have one job at a time: no other one is blamed for it',
    ...one,
    features: ['prepares'],
    kinds: ['good', 'deadly to prepare'],
    steps: ['submit'],
    expect: isMeasured(),
  },
];
