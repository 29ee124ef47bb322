// What a schedule is made of. A number lets one of the things happen that can happen next: 0 the one that has waited
// longest. A text causes a trouble, or asks for something; one that makes no sense at the moment does nothing. Schedules
// written by hand also say `until …`: everything happens in its order until this has happened; and `now …`: this happens
// before everything that came first.
import fc from 'fast-check';
import type { Outbox } from '../../src/outbox/outbox.ts';
import { KINDS, type Kind } from './jobs.ts';
import { LEASE_MS, type NodeLife } from './node.ts';
import type { Feature } from './plugins.ts';
import { World } from './world.ts';

export interface Schedule {
  /** One or two. */
  readonly nodes: number;
  readonly isFast: boolean;
  /** The nodes keep copies of outcomes in Redis. */
  readonly hasCopies?: boolean;
  /** Redis is a cluster: the keys of jobs are in another part than the stream. */
  readonly isSpread?: boolean;
  /** None if left out. */
  readonly features?: readonly Feature[];
  /** Those that are submitted, in their order: the first at the start. */
  readonly kinds: readonly Kind[];
  readonly steps: readonly (number | Move)[];
}

const NAMES = ['A', 'B'] as const;

/** What is done to a node. */
const TO_NODES = {
  start: (world: World, name: string) => world.start(name),
  kill: live((world, life) => world.kill(life)),
  /** What the process had asked its system for still happens. */
  'kill late': live((world, life) => world.kill(life, { isLate: true })),
  /** Redis does not hear that it is gone. */
  'power off': live((world, life) => {
    world.kill(life, { silently: true });
    world.losePower(life);
  }),
  drain: live((world, life) => world.drain(life, false)),
  'hand back': live((world, life) => world.drain(life, true)),
  'disk full': live((_, life) => void (life.disk.trouble = 'ENOSPC')),
  'disk broken': live((_, life) => void (life.disk.trouble = 'EIO')),
  'disk well': live((_, life) => void (life.disk.trouble = undefined)),
  cut: live((world, life) => world.act(life, () => world.cut(life))),
  /** Redis has handled what was sent, and its answers are lost. */
  'lose answers': live((world, life) => world.act(life, () => world.cut(life, { isHandled: true }))),
  hold: live((world, life) => world.hold(life)),
  'let go': live((world, life) => world.letGo(life)),
  'lose post': live((world, life) => world.losePost(life)),
  'kill executor': live((world, life) => world.act(life, life.killRun)),
} as const;

/** What is done to everything around them. */
const TO_WORLD = {
  'redis down': (world: World) => world.redisDown(),
  'redis up': (world: World) => world.redisUp(),
  'redis saves': (world: World) => world.server.save(),
  'redis forgets': (world: World) => world.forget(),
  /** An empty server that gives the same ids again. */
  'redis begins again': (world: World) => world.forget({ givesIdsAgain: true }),
  'redis loads': (world: World) =>
    void world.refusals.push({ command: /./, error: 'LOADING Redis is loading' }),
  'no right to write': (world: World) =>
    void world.refusals.push({ command: /^hset$/i, error: 'NOPERM no right' }),
  'no room for copies': (world: World) =>
    void world.refusals.push({ command: /^set$/i, error: 'OOM command not allowed' }),
  'cloud away': (world: World) => void (world.isCloudUp = false),
  'cloud back': (world: World) => void (world.isCloudUp = true),
  pass: (world: World) => world.pass(),
  /** As long as a lease lasts, nothing happens but timers. */
  'pass a lease': async (world: World) => {
    const until = world.time.now + LEASE_MS;
    while (world.time.now < until) await world.pass();
  },
} as const;

type NodeMove = `${keyof typeof TO_NODES} ${(typeof NAMES)[number]}`;
type WorldMove = keyof typeof TO_WORLD;
/** `cancel 1` is the first job; `again 1` brings it a second time. */
type JobMove = 'submit' | `cancel ${number}` | `again ${number}`;
export type HandMove = `until ${string}` | `now ${string}`;
export type Move = NodeMove | WorldMove | JobMove | HandMove;

function live(
  move: (world: World, life: NodeLife) => void | Promise<void>,
): (world: World, name: string) => void | Promise<void> {
  return (world, name) => {
    const life = world.lives.get(name);
    return life === undefined ? undefined : move(world, life);
  };
}

export interface PlayOptions {
  readonly wrap?: (outbox: Outbox) => Outbox;
  readonly trace?: (line: string) => void;
}

/** Plays a schedule to its end, and then until all jobs are done. Rejects with a Broken if a promise is not kept. */
export async function play(schedule: Schedule, { wrap, trace }: PlayOptions = {}): Promise<World> {
  const { nodes, isFast, hasCopies = false, isSpread = false, features, kinds, steps } = schedule;
  const world = new World({ nodes: NAMES.slice(0, nodes), isFast, hasCopies, isSpread, features, wrap });
  if (trace !== undefined) world.onTrace(trace);
  const waiting = [...kinds];
  const submit = (): void => {
    const kind = waiting.shift();
    if (kind !== undefined) world.submit(kind);
  };
  submit();
  // Several jobs have to wait at once before any of them begins in a batch, or by itself.
  if (features?.some((feature) => feature === 'batches' || feature === 'starts') === true)
    for (const _ of kinds) submit();
  for (const name of world.options.nodes) await world.start(name);
  for (const step of steps) {
    if (typeof step === 'number') await take(world, step);
    else {
      world.trace(() => `-- ${step}`);
      if (step === 'submit') submit();
      else await makeMove(world, step);
    }
  }
  world.trace(() => '-- all troubles are over');
  await world.settle();
  return world;
}

/** Of what can happen, in the order in which it came up; time passes last. */
async function take(world: World, number: number): Promise<void> {
  const { events, options } = world;
  const event = events[number % (events.length + 1)];
  if (event !== undefined) return world.happen(event);
  if (!options.isFast || events.every(({ isRun }) => isRun)) return world.pass();
  const [first] = events;
  if (first !== undefined) await world.happen(first);
}

async function makeMove(world: World, step: Exclude<Move, 'submit'>): Promise<void> {
  const words = step.split(' ');
  const last = words.pop() ?? '';
  const what = words.join(' ');
  if (step.startsWith('until ')) return playUntil(world, step.slice('until '.length));
  if (step.startsWith('now ')) return playNow(world, step.slice('now '.length));
  if (what === 'cancel' && world.ledger.jobs.has(`job-${last}`)) world.cancel(`job-${last}`);
  else if (what === 'again') {
    const job = world.ledger.jobs.get(`job-${last}`);
    // Two nodes may get the same job at once: nothing is promised of that.
    if (job !== undefined && world.options.nodes.length === 1) world.submit(job.kind, job.jobId);
  } else if (what in TO_NODES) await TO_NODES[what as keyof typeof TO_NODES](world, last);
  else if (step in TO_WORLD) await TO_WORLD[step as WorldMove](world);
}

/** More than any schedule needs. */
const MOST_STEPS = 2_000;

async function playUntil(world: World, text: string): Promise<void> {
  let isThere = false;
  const stop = world.onTrace((line) => (isThere ||= line.includes(text)));
  for (let steps = 0; !isThere; steps += 1) {
    if (steps === MOST_STEPS) throw new Error(`this never happens: ${text}`);
    const [event] = world.events;
    await (event === undefined ? world.pass() : world.happen(event));
  }
  stop();
}

async function playNow(world: World, text: string): Promise<void> {
  const event = world.events.find(({ what }) => what().includes(text));
  if (event === undefined) throw new Error(`this cannot happen now: ${text}`);
  await world.happen(event);
}

const MOVES: readonly Move[] = [
  ...(Object.keys(TO_WORLD) as WorldMove[]).filter((what) => what !== 'redis begins again'),
  ...NAMES.flatMap((name) =>
    (Object.keys(TO_NODES) as (keyof typeof TO_NODES)[]).map((what): Move => `${what} ${name}`),
  ),
  'cancel 1',
  'cancel 2',
  'again 1',
  'again 2',
];

/** Of a hundred steps: half of them take what has waited longest, and most of the others something else. */
function stepOf(number: number, focus: readonly Move[], nodes: number): number | Move {
  if (number < 50) return 0;
  if (number < 85) return 1 + (number % 7);
  if (number < 88) return 'submit';
  if (number < 90) return 'pass';
  const found = focus[number % focus.length] ?? 0;
  // There is no other node.
  return nodes === 1 && typeof found === 'string' ? (found.replace(/ B$/, ' A') as Move) : found;
}

const FEATURES: readonly (readonly Feature[])[] = [
  ['prepares'],
  ['maps'],
  ['batches'],
  ['starts'],
  ['prepares', 'maps', 'batches'],
  ['prepares', 'maps', 'starts'],
];
const PLAIN: readonly Feature[] = [];

export interface Bounds {
  readonly nodes?: readonly number[];
  readonly features?: readonly Feature[];
  /** The kinds of trouble. */
  readonly moves?: readonly Move[];
}

/** Each schedule has a few kinds of trouble: with all of them in one, it would not get far. */
export function schedules({ nodes = [1, 2], features, moves = MOVES }: Bounds = {}): fc.Arbitrary<Schedule> {
  const anyFeatures = fc.oneof(fc.constant(PLAIN), fc.constantFrom(...FEATURES));
  return fc
    .record({
      nodes: fc.constantFrom(...nodes),
      isFast: fc.boolean(),
      features: features === undefined ? anyFeatures : fc.constant(features),
      kinds: fc.array(fc.constantFrom('good', 'good', ...KINDS), { minLength: 1, maxLength: 4 }),
      focus: fc.array(fc.constantFrom(...moves), { minLength: 1, maxLength: 6 }),
      numbers: fc.array(fc.nat(99), { maxLength: 120, size: 'max' }),
      hasCopies: fc.boolean(),
    })
    .map(({ focus, numbers, ...schedule }) => ({
      ...schedule,
      steps: numbers.map((number) => stepOf(number, focus, schedule.nodes)),
    }));
}

/** A schedule as it can be pasted into known.ts. */
export function textOf({ nodes, isFast, hasCopies = false, features = [], kinds, steps }: Schedule): string {
  const listOf = (all: readonly (string | number)[]): string =>
    `[${all.map((one) => (typeof one === 'number' ? String(one) : `'${one}'`)).join(', ')}]`;
  return `{ nodes: ${nodes}, isFast: ${isFast}, hasCopies: ${hasCopies}, features: ${listOf(features)}, kinds: ${listOf(kinds)}, steps: ${listOf(steps)} }`;
}
