// Known schedules: what is saved, written and delivered of a job that has ended.
import assert from 'node:assert/strict';
import { one, runs, isState, isMeasured, type Known } from './parts.ts';

export const OUTCOMES: readonly Known[] = [
  {
    name: 'what Redis forgets is not run again',
    ...one,
    kinds: ['good'],
    steps: ['until A runs job-1', 'redis saves', 'until xack', 'redis forgets'],
    expect: runs(1),
  },
  {
    name: 'what Redis forgets is not run again, also after a restart',
    ...one,
    kinds: ['good'],
    steps: ['until A runs job-1', 'redis saves', 'until xack', 'kill A', 'redis forgets', 'start A'],
    expect: runs(1),
  },
  {
    name: 'an entry is known by its job, not by its id alone',
    ...one,
    kinds: ['good', 'good'],
    steps: ['until A runs job-1', 'redis begins again', 'submit'],
    expect: runs(1, 'job-2'),
  },
  {
    name: 'a durable line of the journal does not depend on what was written before it without waiting',
    ...one,
    kinds: ['good', 'good'],
    steps: [
      "until the cloud's answer on job-1",
      'until the disk writes',
      'submit',
      "until A's run of job-2 ends",
      'until the disk writes',
      'power off A',
    ],
    expect: runs(1, 'job-2'),
  },
  {
    name: 'a state that Redis refuses is written once it can be',
    ...one,
    kinds: ['good'],
    steps: ['until A runs job-1', 'no right to write', 'no right to write', 'no right to write'],
    expect: isState('completed'),
  },
  {
    name: 'a state that Redis has refused does not follow a newer one that is under way',
    nodes: 1,
    isFast: false,
    kinds: ['good'],
    steps: [
      ...[0, 0, 0, 0, 5, 0, 3, 0, 7, 4, 0, 0, 0, 0, 0, 0, 'pass a lease', 0, 'no right to write'],
      ...[0, 0, 0, 0, 0, 0, 0, 7, 4, 2, 0, 0, 2, 0, 7, 5],
    ] as const,
    expect: isState('completed'),
  },
  {
    name: 'what has ended is saved when code ends the process in the next run',
    ...one,
    kinds: ['good', 'exits at once'],
    steps: ['submit', 'until hmget qpu:job:job-2', 'until the answers of Redis reach A.jobs'],
    expect: runs(1),
  },
  {
    name: 'a status that was not written before a crash is written at the next start',
    ...one,
    kinds: ['good'],
    steps: ["until A's run of job-1 ends", 'kill late A'],
    expect: (world) => {
      runs(1)(world);
      isState('completed')(world);
    },
  },
  {
    name: 'an outcome outlives a full disk',
    ...one,
    kinds: ['good', 'good'],
    steps: [
      'submit',
      'until A runs job-1',
      'disk full A',
      'pass a lease',
      "until A's run of job-1 ends",
      'pass a lease',
    ],
    expect: runs(1),
  },
  {
    name: 'an outcome outlives a disk whose writes fail',
    ...one,
    kinds: ['good'],
    steps: [
      'until A runs job-1',
      'disk broken A',
      "until A's run of job-1 ends",
      'pass a lease',
      'disk well A',
    ],
    expect: runs(1),
  },
  {
    name: 'a repeated state does not undo a later one',
    ...one,
    isFast: false,
    kinds: ['good'],
    steps: ['until A runs job-1', "now A's run of job-1", 'until hset', 'lose answers A'],
    expect: isState('completed'),
  },
  {
    name: 'a node with a full queue creates the group again that Redis has forgotten',
    ...one,
    kinds: ['good', 'invalid', 'good', 'good'],
    steps: [
      ...(['submit', 'submit', 'submit', 'redis saves', 'until the disk syncs', 'disk full A'] as const),
      'until hset qpu:job:job-2:status',
      'redis forgets',
      'pass a lease',
    ],
    expect: isMeasured('job-4'),
  },
  {
    name: 'a job is forgotten only when Redis has its state, also if Redis takes the acknowledgement before that',
    ...one,
    kinds: ['good'],
    steps: [
      "until the cloud's answer on job-1",
      'pass',
      'redis loads',
      'until xack',
      'until the answers of Redis reach A.jobs',
      'until the disk writes',
      'kill A',
    ],
    expect: isState('completed'),
  },
  {
    name: 'a message that is no job is recorded once, however long the disk takes for that',
    nodes: 1,
    isFast: false,
    kinds: ['malformed'],
    // All but the disk goes on.
    steps: ['until is set aside', ...Array<number>(40).fill(1)],
    expect: (_, lines) => assert.equal(lines.filter((line) => line.includes('is set aside and')).length, 1),
  },
];
