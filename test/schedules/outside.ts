// What the nodes of a world meet: their device, the cloud, and Redis at the other end of their connections. Whatever one of
// them answers is an event, which the schedule lets happen. The ledger sees what is said and done.
import type { ExecutionResult, RunContext } from '../../src/device/executor.ts';
import { ExecutorDiedError, JobError } from '../../src/errors.ts';
import type { Delivery } from '../../src/outbox/delivery.ts';
import { cancelKey } from '../../src/protocol/keys.ts';
import type { HostWorld } from './host.ts';
import type { Kind } from './jobs.ts';
import type { Ledger } from './ledger.ts';
import { GROUP, STREAM, type NodeLife, type Surroundings } from './node.ts';
import { MAPPED, type Feature, type Work } from './plugins.ts';
import type { RedisClient, Wire } from './redis-client.ts';
import { ErrorReply, type RedisServer, type Reply, type WAITS } from './redis-server.ts';
import type { Scheduler } from './scheduler.ts';
import type { Timer } from './time.ts';

/** Their run ends the process that it is in. */
const DEADLY: ReadonlySet<Kind> = new Set(['deadly', 'deadly at once', 'exits at once']);

/** A read that waits for an entry. */
interface Waiting {
  readonly client: RedisClient;
  readonly timer: Timer;
}

/** The world around it. */
interface Inside extends Scheduler {
  readonly server: RedisServer;
  readonly ledger: Ledger;
  readonly isRedisUp: boolean;
  readonly isCloudUp: boolean;
  /** With what Redis answers the next commands. */
  readonly refusals: { readonly command: RegExp; readonly error: string }[];
  dying: NodeLife | undefined;
  readonly features: readonly Feature[];
  stateOf(jobId: string): string | null;
  tellCancel(life: NodeLife, jobId: string): void;
}

export class Outside implements Surroundings {
  readonly hasCopies: boolean;
  readonly isSpread: boolean;
  readonly #world: Inside;
  #waiting: Waiting[] = [];
  #runs = 0;

  constructor(world: Inside, hasCopies: boolean, isSpread: boolean) {
    this.#world = world;
    this.hasCopies = hasCopies;
    this.isSpread = isSpread;
  }

  run(life: NodeLife, { jobId, signal }: RunContext): Promise<ExecutionResult> {
    const world = this.#world;
    const run = world.ledger.runStarted(life, jobId);
    const { kind } = world.ledger.get(jobId);
    const number = (this.#runs += 1);
    world.trace(() => `${life.node} runs ${jobId} (${kind})`);
    if (kind === 'exits at once') for (const listener of life.exitListeners) listener();
    if (kind === 'exits at once' || kind === 'deadly at once') {
      life.disk.isFrozen = true;
      world.dying = life;
      return new Promise(() => {});
    }
    return new Promise((resolve, reject) => {
      const happen = (): void => {
        run.isOver = true;
        if (kind === 'deadly') world.dying = life;
        else settle(resultOf(kind, number, signal.aborted), resolve, reject);
      };
      const event = { life, what: () => `${life.node}'s run of ${jobId} ends`, isRun: true, happen };
      world.add(event);
      life.killRun = () => {
        run.isOver = true;
        world.remove(event);
        reject(new ExecutorDiedError('the executor died'));
      };
    });
  }

  /** A batch fails as a whole, and then its jobs run one by one. */
  runBatch(life: NodeLife, jobIds: readonly string[], signal: AbortSignal): Promise<ExecutionResult[]> {
    const world = this.#world;
    const runs = jobIds.map((jobId) => world.ledger.runStarted(life, jobId));
    for (const jobId of jobIds) world.ledger.get(jobId).sights.add('in a batch');
    const kinds = jobIds.map((jobId) => world.ledger.get(jobId).kind);
    const first = this.#runs + 1;
    this.#runs += jobIds.length;
    world.trace(() => `${life.node} runs a batch: ${jobIds.join(' ')}`);
    return new Promise((resolve, reject) => {
      const end = (): void => {
        for (const run of runs) run.isOver = true;
      };
      const happen = (): void => {
        end();
        if (kinds.some((kind) => DEADLY.has(kind))) world.dying = life;
        else if (signal.aborted || kinds.includes('fails')) reject(new Error('the batch fails'));
        else resolve(kinds.map((_, i) => measured(first + i)));
      };
      const event = {
        life,
        what: () => `${life.node}'s batch of ${jobIds.join(' ')} ends`,
        isRun: true,
        happen,
      };
      world.add(event);
      life.killRun = () => {
        end();
        world.remove(event);
        reject(new ExecutorDiedError('the executor died'));
      };
    });
  }

  hostOf(life: NodeLife): HostWorld {
    const world = this.#world;
    let running: (() => void) | undefined;
    return {
      get now() {
        return world.time.now;
      },
      begin: (jobId, isByItself, isStopped, end) => {
        const run = world.ledger.runStarted(life, jobId);
        const { kind, sights } = world.ledger.get(jobId);
        if (isByItself) sights.add('begun by itself');
        const number = (this.#runs += 1);
        world.trace(
          () => `${life.node} runs ${jobId} (${kind})${isByItself ? ', which begins by itself' : ''}`,
        );
        const happen = (): void => {
          run.isOver = true;
          running = undefined;
          end(DEADLY.has(kind) ? undefined : resultOf(kind, number, isStopped()));
        };
        const event = { life, what: () => `${life.node}'s run of ${jobId} ends`, isRun: true, happen };
        world.add(event);
        running = () => {
          run.isOver = true;
          world.remove(event);
        };
      },
      ended: () => {
        running?.();
        running = undefined;
      },
      neverBegins: (jobId) => {
        world.ledger.get(jobId).lostWorks += 1;
      },
      later: (what, happen) =>
        world.add({ life, what: () => `the executor of ${life.node} ${what}`, isRun: false, happen }),
    };
  }

  works(life: NodeLife, how: Work, jobId: string): Promise<void> {
    const world = this.#world;
    const { kind, sights, workedOnBy } = world.ledger.get(jobId);
    sights.add(how === 'prepare' ? 'prepared' : 'mapped');
    workedOnBy.add(life);
    return new Promise((resolve, reject) => {
      const happen = (): void => {
        if (kind === `deadly to ${how}`) {
          world.dying = life;
          return;
        }
        workedOnBy.delete(life);
        if (kind === 'unwanted' && how === 'prepare') reject(new JobError('nobody wants it'));
        else resolve();
      };
      const what = (): string => `${life.node} has done this with ${jobId}: ${how}`;
      world.add({ life, what, isRun: true, happen });
    });
  }

  post(life: NodeLife, jobId: string, body: string): Promise<Delivery> {
    const world = this.#world;
    const post = world.ledger.postBegun(life, jobId, body);
    // A promise of the hook.
    if (
      world.features.includes('maps') &&
      body.includes('"completed"') &&
      !body.includes(JSON.stringify(MAPPED))
    )
      world.ledger.breaks('mapped-before-said', `${life.node} posts ${jobId}, whose result is not mapped`);
    return new Promise((resolve) => {
      const lose = (): void => resolve({ kind: 'retry', reason: 'the connection is lost', sent: true });
      const answer = (delivery: Delivery): void => {
        const happen = (): void => {
          post.isAnswered = delivery.kind !== 'retry';
          resolve(delivery);
        };
        const what = (): string => `the cloud's answer on ${jobId} reaches ${life.node}: ${delivery.kind}`;
        world.add({ life, what, isRun: false, happen, lose });
      };
      const happen = (): void => {
        if (!world.isCloudUp) answer({ kind: 'retry', reason: 'the cloud is away', sent: false });
        else if (world.ledger.arrived(post, jobId)) answer({ kind: 'delivered' });
        else answer({ kind: 'refused', reason: 'no' });
      };
      const what = (): string => `the outcome of ${jobId} reaches the cloud from ${life.node}`;
      world.add({ life, what, isRun: false, happen, lose });
    });
  }

  log(life: NodeLife, line: string): void {
    this.#world.trace(() => `    ${life.node}: ${line}`);
  }

  wireOf(life: NodeLife): Wire {
    const world = this.#world;
    const { time } = world;
    return {
      world,
      happens: (what, happen) => world.add({ life, what, isRun: false, happen }),
      handle: ({ name, args, at }) => {
        world.server.sentAt = at;
        return this.#handle(life, name, args);
      },
      get now() {
        return world.time.now;
      },
      readWaits: (client, blockMs) => {
        const waiting = { client, timer: time.start(() => this.#wake(waiting), blockMs, undefined, false) };
        this.#waiting.push(waiting);
      },
      after: (ms, then) => time.start(then, ms, life, false),
      stop: (timer) => time.stop(timer),
      connected: () => {
        life.troubleAt = time.now;
        for (const jobId of world.ledger.jobs.keys())
          if (world.server.data.texts.has(cancelKey(jobId))) world.tellCancel(life, jobId);
      },
    };
  }

  /** There is an entry for one of the reads that wait. */
  wakeReader(): void {
    const [first] = this.#waiting;
    if (first !== undefined) this.#wake(first);
  }

  /** Redis has noticed that this connection is lost. */
  forgetReader(client: RedisClient): void {
    for (const waiting of this.#waiting) if (waiting.client === client) this.#world.time.stop(waiting.timer);
    this.#waiting = this.#waiting.filter((waiting) => waiting.client !== client);
  }

  #wake(waiting: Waiting): void {
    this.#waiting = this.#waiting.filter((other) => other !== waiting);
    this.#world.time.stop(waiting.timer);
    waiting.client.wake();
  }

  #handle(life: NodeLife, name: string, args: readonly string[]): Reply | typeof WAITS {
    const { refusals, server, ledger } = this.#world;
    const command = name.toUpperCase();
    const at = refusals.findIndex((refusal) => refusal.command.test(name));
    const [refusal] = at === -1 ? [] : refusals.splice(at, 1);
    if (refusal !== undefined) {
      // What may pass is repeated.
      const isFinal = !refusal.error.startsWith('LOADING');
      const job = /^h?set$/i.test(command) ? ledger.get(jobIdOf(args)) : undefined;
      if (job !== undefined && command === 'HSET' && isFinal) job.refusedIn = life;
      if (job !== undefined && command === 'SET' && isFinal) job.isCopyRefused = true;
      throw new ErrorReply(refusal.error);
    }
    if (command === 'XACK') this.#acknowledged(args.slice(2));
    if (command === 'SET') ledger.copied(jobIdOf(args));
    if (command === 'STRLEN') ledger.copyAsked(life, jobIdOf(args));
    if (command !== 'HSET') return server.handle(name, args);
    const [key = ''] = args;
    const jobId = jobIdOf(args);
    const before = this.#world.stateOf(jobId);
    const reply = server.handle(name, args);
    const state = this.#world.stateOf(jobId);
    if (state !== null) ledger.stated(life, jobId, state, before);
    if (state === 'failed') ledger.failed(jobId, server.data.hashes.get(key)?.get('error') ?? '');
    return reply;
  }

  #acknowledged(entries: readonly string[]): void {
    const { server, ledger } = this.#world;
    const pending = server.streamOf(STREAM)?.groups.get(GROUP)?.pending;
    for (const entry of entries) {
      if (pending?.has(Number.parseInt(entry, 10)) !== true) continue;
      const jobId = ledger.ofEntry(entry)?.jobId ?? '';
      ledger.acknowledged(entry, this.#world.stateOf(jobId));
    }
  }
}

function measured(number: number): ExecutionResult {
  return { counts: { 0: 1 }, executionTimeMs: number, shotsCompleted: 1 };
}

function resultOf(kind: Kind, number: number, isStopped: boolean): ExecutionResult | Error {
  if (isStopped) return new Error('stopped');
  return kind === 'fails' ? new Error(`no luck in run ${number}`) : measured(number);
}

function settle<T>(result: T | Error, resolve: (value: T) => void, reject: (error: Error) => void): void {
  if (result instanceof Error) reject(result);
  else resolve(result);
}

/** The job of a status hash, or of a copy. */
function jobIdOf([key = '']: readonly string[]): string {
  return key.split(':')[2] ?? '';
}
