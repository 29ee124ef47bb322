// Every defect of the job path that was found so far, by chaos, by review or by a random schedule: the schedule that shows
// it. Each name says what holds since then.
import assert from 'node:assert/strict';
import { outcomeKey } from '../../src/protocol/keys.ts';
import type { HandMove, Schedule } from './schedule.ts';
import type { World } from './world.ts';

interface Known extends Schedule {
  readonly name: string;
  /** What must be so at the end, beside all promises. */
  readonly expect?: (world: World, lines: readonly string[]) => void;
}

const one = { nodes: 1, isFast: true } as const;
const two = { nodes: 2, isFast: true } as const;
/** For longer than a lease. */
const away = ['pass a lease', 'pass a lease'] as const;

/** Redis handles so many commands of a connection, and answers each. */
const answersOf = (connection: string, count: number): HandMove[] =>
  Array.from({ length: count }, (): HandMove[] => [
    `now Redis handles ${connection}`,
    `now the answers of Redis reach ${connection}`,
  ]).flat();

const runs =
  (count: number, jobId = 'job-1') =>
  (world: World): void =>
    assert.equal(world.ledger.get(jobId).runs.length, count, `runs of ${jobId}`);

const isState =
  (state: string, jobId = 'job-1') =>
  (world: World): void =>
    assert.equal(world.stateOf(jobId), state);

const isMeasured =
  (jobId = 'job-1') =>
  (world: World): void =>
    assert.match(world.ledger.get(jobId).taken ?? '', /"completed"/);

const isKept = (world: World): void =>
  assert.equal(world.ledger.get('job-1').sights.has('handed back'), false);

export const KNOWN: readonly Known[] = [
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
    name: 'a node that stops ends its read: the next job is not given to it',
    ...two,
    kinds: ['good', 'good'],
    steps: ["until the cloud's answer on job-1", 'pass', 'pass', 'drain A', 'submit', 'until runs job-2'],
    expect: (world) =>
      assert.deepEqual(
        world.ledger.get('job-2').runs.map(({ life }) => life.node),
        ['B'],
      ),
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
    name: 'a job whose message was lost with its connection is taken up at once',
    ...one,
    kinds: ['good'],
    steps: ['until A: reading jobs', 'pass'],
    expect: isMeasured(),
  },
  {
    name: 'the jobs of a dead node are taken over after their lease',
    ...two,
    kinds: ['good', 'good'],
    steps: ['submit', 'until runs job-1', 'kill A'],
    expect: isMeasured('job-2'),
  },
  {
    name: 'after an outage of Redis nothing is taken from a node that runs',
    ...two,
    kinds: ['good'],
    steps: ['until runs job-1', 'redis down', 'pass a lease', 'pass a lease', 'redis up'],
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
    name: 'a cancel does not end a job that is being checked, and has ended elsewhere',
    ...one,
    kinds: ['good'],
    steps: ['until xack', 'again 1', 'cancel 1', 'until A hears'],
    expect: isState('completed'),
  },
  {
    name: 'a job whose message arrives after its lease is over does not start',
    nodes: 2,
    isFast: false,
    kinds: ['good'],
    steps: [
      'until Redis handles A.reader: XREADGROUP',
      'hold A',
      'until B runs job-1',
      'let go A',
      'until reach A.reader',
    ],
    expect: runs(1),
  },
  {
    name: 'a node that asks late for an entry does not take it back from another one',
    nodes: 2,
    isFast: false,
    kinds: ['good'],
    steps: [
      'until Redis handles A.reader: XREADGROUP',
      'lose answers A',
      'until A: reading jobs',
      'hold A',
      'until B runs job-1',
      'hold B',
      'let go A',
      'now Redis handles A.reader: X',
      'until Redis handles A.jobs: hmget',
      'until Redis handles A.jobs: XAUTOCLAIM',
      'until A.jobs: XPENDING qpu:qpu:jobs qpu:qpu:workers - + 1000 A',
      'until the answers of Redis reach A.jobs',
      'let go B',
    ],
    expect: runs(1),
  },
  {
    name: 'a job that another node takes over between the list of entries and their renewal is not started',
    nodes: 2,
    isFast: false,
    kinds: ['deadly'],
    steps: [0, 'hold A', ...Array<number>(23).fill(0)],
  },
  {
    name: 'a job that is cancelled while its start is counted in Redis does not run',
    nodes: 1,
    isFast: false,
    kinds: ['good'],
    steps: ['until A runs job-1', 'kill A', 'start A', 'until hmget', 'cancel 1', 'until RETRYCOUNT'],
    expect: isState('cancelled'),
  },
  {
    name: 'a cancelled job keeps its state if Redis crashes between that and the acknowledgement',
    nodes: 1,
    isFast: false,
    kinds: ['good'],
    steps: [
      'cancel 1',
      'until the answers of Redis reach A.reader',
      'redis saves',
      'until Redis handles A.jobs: hset',
      'until the answers of Redis reach A.jobs',
      'redis forgets',
    ],
    expect: isState('cancelled'),
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
    name: 'a cancel does not end a queued job that another node has taken over and finished',
    nodes: 2,
    isFast: false,
    kinds: ['good'],
    steps: [
      'until Redis handles A.reader: XREADGROUP',
      'now the answers of Redis reach A.reader',
      'until Redis handles A.jobs: hmget',
      'hold A',
      'until xack',
      'let go A',
      'cancel 1',
      'now the answers of Redis reach A.jobs',
      'now A hears',
    ],
    expect: isState('completed'),
  },
  {
    name: 'with copies: what ended within one fsync of a kill is not run again',
    ...one,
    hasCopies: true,
    kinds: ['good'],
    steps: ['until Redis handles A.jobs: SET', 'kill A'],
    expect: runs(1),
  },
  {
    name: 'with copies: what only a dead node has on its disk is delivered by another one',
    ...two,
    hasCopies: true,
    kinds: ['good'],
    steps: [
      'cloud away',
      'until Redis handles A.jobs: SET',
      'until hset',
      'pass',
      'power off A',
      ...away,
      'cloud back',
    ],
    expect: (world) => {
      runs(1)(world);
      assert.equal(
        world.ledger.get('job-1').taken,
        JSON.stringify({ status: 'completed', counts: { 0: 1 }, executionTimeMs: 1, shotsCompleted: 1 }),
      );
    },
  },
  {
    name: 'with copies: a result that Redis refuses is delivered all the same',
    ...one,
    hasCopies: true,
    kinds: ['good'],
    steps: ['until A runs job-1', 'no room for copies'],
    expect: (world) => {
      runs(1)(world);
      isMeasured()(world);
    },
  },
  {
    name: 'with copies: a cancel that comes while Redis is asked wins, and the copy is gone',
    ...one,
    hasCopies: true,
    kinds: ['good'],
    steps: ["until A's run of job-1 ends", 'cancel 1', 'now A hears'],
    expect: (world) => {
      isState('cancelled')(world);
      assert.equal(world.server.data.texts.has(outcomeKey('job-1')), false);
    },
  },
  {
    name: 'with copies: a job that is done has none left',
    ...one,
    hasCopies: true,
    kinds: ['good', 'fails', 'refused'],
    steps: ['submit', 'submit'],
    expect: (world) => assert.deepEqual([...world.server.data.texts.keys()], []),
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
    name: 'with copies: what is said to be cancelled is not delivered after a loss of power',
    ...one,
    hasCopies: true,
    kinds: ['good'],
    steps: [
      "until A's run of job-1 ends",
      'until the disk writes',
      'cancel 1',
      'now A hears',
      'until hset',
      'until the answers of Redis reach A.jobs',
      'power off A',
    ],
    expect: isState('cancelled'),
  },
  {
    name: 'with copies: a cancel that the disk does not have yet is not said',
    nodes: 1,
    isFast: false,
    hasCopies: true,
    kinds: ['good'],
    steps: [
      "until A's run of job-1 ends",
      'until the disk writes',
      'cancel 1',
      'now A hears',
      'pass',
      'now Redis handles A.jobs',
      'kill A',
    ],
    expect: isState('completed'),
  },
  {
    name: 'with copies: another node does not deliver what was cancelled, although its copy is still there',
    ...two,
    hasCopies: true,
    kinds: ['good'],
    steps: [
      "until A's run of job-1 ends",
      'until the disk writes',
      'cancel 1',
      'now A hears',
      'until hset',
      'kill A',
      ...away,
    ],
    expect: (world) => assert.deepEqual(world.ledger.get('job-1').posts, []),
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
    name: 'with copies: what another node has run is not handed back',
    ...two,
    hasCopies: true,
    kinds: ['good'],
    steps: [
      'until Redis handles A.jobs: SET',
      'kill A',
      'until B: 1 jobs of earlier deliveries',
      'hand back B',
    ],
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
    name: 'a cancel after a post whose answer was lost changes nothing',
    ...one,
    kinds: ['good'],
    steps: ['until the outcome of job-1 reaches the cloud', 'lose post A', 'cancel 1', 'now A hears'],
    expect: isState('completed'),
  },
  {
    name: 'a cancel of a failure that another node may have posted changes nothing',
    ...two,
    kinds: ['fails'],
    steps: [
      'kill B',
      'until the outcome of job-1 reaches the cloud',
      'until hset',
      'kill A',
      'start B',
      'until B: job job-1 failed',
      'cancel 1',
      'now B hears',
    ],
    expect: isState('failed'),
  },
  {
    name: 'with copies: a cancel of an outcome that another node may have posted changes nothing',
    ...two,
    hasCopies: true,
    kinds: ['good'],
    steps: [
      'kill B',
      'until the outcome of job-1 reaches the cloud',
      'kill A',
      'start B',
      'until B: job job-1 has run before',
      'cancel 1',
      'now B hears',
      'until the outcome of job-1 reaches the cloud from B',
    ],
    expect: isState('completed'),
  },
  {
    name: 'a node that hears late which entries it has does not take them back from another one',
    ...two,
    kinds: ['good', 'good'],
    steps: [
      ...(['submit', 'until A runs job-1', 'pass', 'pass', 'now Redis handles A.jobs: XPENDING'] as const),
      ...(['hold A', 'pass a lease', 'pass', 'until B runs job-2', 'hold B'] as const),
      ...Array<'pass'>(6).fill('pass'),
      'let go A',
    ],
    expect: runs(1, 'job-2'),
  },
  {
    name: 'to count the starts of a job takes it from no other node',
    ...two,
    features: ['starts'],
    kinds: ['good', 'good', 'exits at once', 'good'],
    steps: ['pass', 'hold B', 0, 'pass', 4, 'pass a lease'],
  },
  {
    name: 'a job that plugins refuse once its lease is over is left to the node that has it now',
    ...two,
    features: ['prepares'],
    kinds: ['unwanted'],
    steps: ['pass', 'hold A', ...away],
    expect: (_, lines) =>
      assert.deepEqual(
        lines.filter((line) => /A: job job-1 failed/.test(line)),
        [],
      ),
  },
  {
    name: 'that a job is executing is not said any more once another node has it',
    ...two,
    features: ['prepares', 'maps', 'starts'],
    kinds: ['good', 'good', 'exits at once', 'good'],
    steps: [
      ...(['pass', 'hold B', 0, 0, 0, 0, 'pass', 0, 0, 0, 0, 0, 0, 4, 'pass'] as const),
      ...Array<number>(19).fill(0),
      ...(['pass', 'pass'] as const),
      ...Array<number>(13).fill(0),
      ...(['pass', 0, 0, 0, 0, 0, 0, 0, 'redis down'] as const),
    ],
  },
  {
    name: 'with copies: a failure is known to be that of the entry, also if Redis has not heard of its start',
    ...two,
    features: ['batches'],
    hasCopies: true,
    kinds: ['good', 'fails'],
    steps: [
      ...(['pass', 0, 0, 0, 0, 'kill late A'] as const),
      ...Array<number>(40).fill(0),
      'redis loads',
      ...Array<number>(8).fill(0),
      'pass',
    ],
    expect: runs(1, 'job-2'),
  },
  {
    name: 'that a job is executing is not said while the node cannot know whether it still has the job',
    ...two,
    features: ['prepares', 'maps', 'starts'],
    kinds: ['exits at once'],
    steps: [
      ...([4, 'pass a lease', 'hold B'] as const),
      ...Array<number>(16).fill(0),
      ...(['pass a lease', 0, 0, 0, 7, 'pass a lease'] as const),
    ],
    expect: isState('failed'),
  },
  {
    name: 'a job that another node has acknowledged does not run once more, whatever its state says',
    ...two,
    features: ['prepares', 'maps', 'starts'],
    kinds: ['deadly at once', 'good'],
    steps: [
      ...(['pass', 'hold A', 0, 'pass a lease', 4, 2, 'pass', 0, 0, 0, 0, 0, 0, 0, 5] as const),
      ...[0, 0, 0, 0, 0, 0, 0, 0],
    ],
    expect: (world) => assert.equal(world.ledger.get('job-1').hasFailed, true),
  },
  {
    name: 'that a job is executing, which Redis has refused and the node cannot know, does not follow its end',
    nodes: 2,
    isFast: false,
    features: ['starts'],
    kinds: ['good', 'good', 'deadly'],
    steps: [
      ...([
        'drain A',
        0,
        0,
        0,
        'cancel 1',
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        3,
        5,
        0,
        3,
        0,
        0,
        3,
        0,
      ] as const),
      ...([
        7,
        0,
        0,
        'no right to write',
        0,
        0,
        7,
        4,
        7,
        4,
        7,
        0,
        0,
        0,
        0,
        0,
        5,
        0,
        0,
        5,
        0,
        0,
        5,
        4,
        0,
        0,
      ] as const),
      ...[7, 0, 4, 0, 0, 0, 0, 0, 3, 0, 6, 4, 0, 0, 2, 5, 5, 3],
    ],
    expect: isState('failed', 'job-3'),
  },
  {
    name: 'with copies: what is found there once the lease is over is left to the node that has the job now',
    nodes: 2,
    isFast: false,
    hasCopies: true,
    kinds: ['good'],
    steps: [
      'until Redis handles A.reader: XREADGROUP',
      'lose answers A',
      'until Redis handles A.reader: XRANGE',
      'now the answers of Redis reach A.reader',
      'hold A',
      'until Redis handles B.jobs: SET',
      'hold B',
      'let go A',
      'until Redis handles A.jobs: GET',
      'until the answers of Redis reach A.jobs',
      'pass',
      'cancel 1',
      'let go B',
      'now B hears',
    ],
    expect: isState('cancelled'),
  },
  {
    name: 'in a cluster: what one part says late does not count if another node may have had the job meanwhile',
    nodes: 2,
    isFast: false,
    hasCopies: true,
    isSpread: true,
    kinds: ['good'],
    steps: [
      'until Redis handles A.reader: XREADGROUP',
      'now the answers of Redis reach A.reader',
      'now Redis handles A.shard: exists',
      'now the answers of Redis reach A.shard',
      'now Redis handles A.shard: hmget',
      'hold A',
      'until Redis handles B.shard: SET',
      'kill B',
      'pass a lease',
      'let go A',
      'now A.jobs connects',
      ...answersOf('A.jobs', 2),
      'pass a lease',
      ...answersOf('A.jobs', 7),
      'pass',
      ...answersOf('A.jobs', 2),
      'now the answers of Redis reach A.shard',
    ],
    expect: runs(1),
  },
];
