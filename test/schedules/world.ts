// One or two nodes, their Redis and the cloud, in which nothing happens by itself: a schedule says what is next, and which
// troubles there are. What the nodes do is seen by a ledger that knows the promises.
import { setImmediate as nextTurn } from 'node:timers';
import type { ExecutionResult, RunContext } from '../../src/device/executor.ts';
import { ExecutorDiedError } from '../../src/errors.ts';
import type { Delivery } from '../../src/outbox/delivery.ts';
import type { Outbox } from '../../src/outbox/outbox.ts';
import { cancelKey, groupName, outcomeKey, statusKey, streamKey } from '../../src/protocol/keys.ts';
import { Disk } from './disk.ts';
import { messageOf, type Kind } from './jobs.ts';
import { Ledger } from './ledger.ts';
import { LEASE_MS, MAX_DELIVERIES, NodeLife, QPU, type Surroundings } from './node.ts';
import type { RedisClient, Wire } from './redis-client.ts';
import { ErrorReply, RedisServer, type Reply, type WAITS } from './redis-server.ts';
import { watchDisk } from './saved.ts';
import { setStage } from './stage.ts';
import { Time, type Timer } from './time.ts';

/** What can happen next. */
interface Event {
  readonly life: NodeLife | undefined;
  readonly what: string;
  /** A run takes time; all else may be fast. */
  readonly isRun: boolean;
  readonly happen: () => void;
  /** Of a write that a dying process has handed to its system already: what it does to the disk. */
  readonly effect?: () => void;
  /** Of an attempt to deliver: what happens if its connection is lost. */
  readonly lose?: () => void;
}

export interface WorldOptions {
  readonly nodes: readonly string[];
  /** No time passes while an answer is on its way: a node that is up renews its leases in time. */
  readonly isFast: boolean;
  /** Its nodes keep copies of outcomes in Redis. */
  readonly hasCopies: boolean;
  /** What is to be broken in the nodes: see broken.test.ts. */
  readonly wrap?: ((outbox: Outbox) => Outbox) | undefined;
}

const STREAM = streamKey(QPU);
const GROUP = groupName(QPU);
/** So long after its troubles a world must have done all its jobs. */
const PATIENCE_MS = 90_000;
/** So many timers still fire once they are done: a node may have something to say. */
const QUIET = 2;

export class World implements Surroundings {
  readonly time = new Time();
  readonly server = new RedisServer(() => this.time.now);
  readonly ledger: Ledger;
  readonly lives = new Map<string, NodeLife>();
  readonly disks = new Map<string, Disk>();
  readonly options: WorldOptions;
  isRedisUp = true;
  isCloudUp = true;
  /** With what Redis answers the next commands. */
  readonly refusals: { readonly command: RegExp; readonly error: string }[] = [];
  #events: Event[] = [];
  #readers: { readonly client: RedisClient; readonly timer: Timer }[] = [];
  #dying: NodeLife | undefined;
  readonly #held = new Set<NodeLife>();
  readonly #listeners = new Set<(line: string) => void>();
  #isSettling = false;
  #runs = 0;
  #jobs = 0;

  constructor(options: WorldOptions) {
    this.options = options;
    this.ledger = new Ledger(MAX_DELIVERIES, options.hasCopies);
    for (const name of options.nodes) this.disks.set(name, new Disk(watchDisk(name, this.ledger)));
    this.server.onClaimed = (id, from, to, idleMs) => {
      // A node gives its own entries back.
      if (to === 'original') return;
      const life = this.lives.get(from);
      const isLimit = life === undefined || !options.isFast || this.#isOutOfTouch(life);
      this.ledger.claimed(`${id}-0`, from, isLimit && idleMs >= LEASE_MS);
    };
  }

  get hasCopies(): boolean {
    return this.options.hasCopies;
  }

  /** What can happen next, in the order in which it came up. */
  get events(): readonly Event[] {
    if (this.#held.size === 0) return this.#events;
    return this.#events.filter(({ life, isRun }) => isRun || life === undefined || !this.#held.has(life));
  }

  /** From here on whatever a node waits for is late, until it is let go; its device goes on. */
  hold(life: NodeLife): void {
    this.#held.add(life);
  }

  letGo(life: NodeLife): void {
    if (this.#held.delete(life)) life.troubleAt = this.time.now;
  }

  /** What happens, in words. */
  trace(line: string): void {
    for (const listener of this.#listeners) listener(line);
  }

  /** Returns what ends that. */
  onTrace(listener: (line: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The code of a node runs, until it waits for something. */
  async act(life: NodeLife | undefined, code: () => void): Promise<void> {
    setStage({
      time: this.time,
      actor: life,
      disk: life?.disk ?? NO_DISK,
      later: (what, effect) => this.#later(life, what, effect),
      onExit: (listener) => void life?.exitListeners.push(listener),
    });
    code();
    await new Promise((resolve) => nextTurn(resolve));
    setStage(undefined);
    if (this.#dying !== undefined) this.kill(this.#dying);
    if (this.ledger.broken !== undefined) throw this.ledger.broken;
  }

  /** Lets an event happen, maybe in place of another one. */
  async happen(event: Event, instead = event): Promise<void> {
    this.#events.splice(this.#events.indexOf(instead), 1);
    this.trace(event.what);
    await this.act(event.life, event.happen);
  }

  /** Time goes on to the next timer. Those that only look around go with it. */
  async pass(): Promise<void> {
    const until = this.time.now + LEASE_MS;
    for (;;) {
      if (this.options.isFast) await this.#hurry();
      const { next } = this.time;
      if (next === undefined || next.at > until) {
        this.time.now = until;
        return;
      }
      const looks = next.repeats && next.ms !== LEASE_MS / 6;
      if (!looks) this.trace(`${next.at - this.time.now} ms pass`);
      await this.act(next.owner as NodeLife | undefined, () => this.time.pass(next));
      if (!looks) return;
    }
  }

  async #hurry(): Promise<void> {
    for (;;) {
      const event = this.events.find(({ isRun }) => !isRun);
      if (event === undefined) return;
      await this.happen(event);
    }
  }

  async start(name: string): Promise<void> {
    const disk = this.disks.get(name);
    if (this.lives.has(name) || disk === undefined) return;
    const life = new NodeLife(name, disk, this);
    this.lives.set(name, life);
    await this.act(life, () => {
      life.start(this.options.wrap).catch((thrown: unknown) => {
        this.trace(`${name} cannot start: ${String(thrown)}`);
        if (this.#isSettling) this.ledger.breaks('every-job-ends', `${name} cannot start: ${String(thrown)}`);
        this.#dying = life;
      });
    });
  }

  /** The node stops at once. `isLate`: what its disk was asked to do still happens. */
  kill(life: NodeLife, { isLate = false, silently = false } = {}): void {
    this.#dying = undefined;
    if (this.lives.get(life.node) !== life) return;
    this.lives.delete(life.node);
    this.#held.delete(life);
    const own = this.#events.filter((event) => event.life === life);
    this.#events = this.#events.filter((event) => event.life !== life);
    if (isLate) for (const { effect } of own) quietly(effect);
    life.disk.isFrozen = false;
    this.time.stopAllOf(life);
    for (const client of life.clients) {
      if (!silently) this.#forgetReader(client);
      client.end();
    }
    this.ledger.died(life);
  }

  losePower(life: NodeLife): void {
    life.disk.losePower();
    this.ledger.unsettled(life.node);
  }

  async drain(life: NodeLife, handsBack: boolean): Promise<void> {
    if (life.isDraining) return;
    await this.act(life, () => {
      void life.drain(handsBack).then((handedOver) => {
        for (const jobId of handedOver) this.#original(jobId);
        this.#dying = life;
      });
    });
  }

  /** Another program has the job now, and does it. */
  #original(jobId: string): void {
    this.ledger.handedBack(jobId);
    const { entries } = this.ledger.get(jobId);
    this.server.handle('XACK', [STREAM, GROUP, ...entries]);
    this.server.handle('HSET', [statusKey(jobId), 'state', 'completed']);
  }

  submit(kind: Kind, jobId = `job-${(this.#jobs += 1)}`): void {
    if (!this.isRedisUp) return;
    const entry = String(this.server.handle('XADD', [STREAM, '*', ...messageOf(jobId, kind)]));
    this.ledger.submitted(jobId, kind, entry);
    const [reader] = this.#readers;
    if (reader !== undefined) this.#wake(reader);
  }

  cancel(jobId: string): void {
    if (!this.isRedisUp) return;
    this.server.handle('SET', [cancelKey(jobId), '1']);
    this.ledger.get(jobId).isCancelAsked = true;
    for (const life of this.lives.values()) this.#tellCancel(life, jobId);
  }

  #tellCancel(life: NodeLife, jobId: string): void {
    const happen = (): void => {
      if (life.pipeline === undefined) return;
      this.ledger.heardCancel(life, jobId, life.pipeline.cancel(jobId));
    };
    this.#events.push({ life, what: `${life.node} hears that ${jobId} is cancelled`, isRun: false, happen });
  }

  cut(life: NodeLife, { isHandled = false } = {}): void {
    for (const client of life.clients) {
      if (isHandled) client.handleAll();
      this.#forgetReader(client);
    }
    life.troubleAt = this.time.now;
    for (const client of life.clients) client.cut();
  }

  async redisDown(): Promise<void> {
    this.isRedisUp = false;
    for (const life of this.lives.values()) await this.act(life, () => this.cut(life));
  }

  async redisUp(): Promise<void> {
    if (this.isRedisUp) return;
    this.isRedisUp = true;
    for (const life of this.lives.values()) {
      await this.act(life, () => {
        for (const client of life.clients) if (client.status === 'connect') client.connectLater();
      });
    }
  }

  /** It crashes, and has lost what it had not saved. */
  async forget(options?: { readonly givesIdsAgain: boolean }): Promise<void> {
    await this.redisDown();
    this.server.forget(options);
    const entries = this.server.streamOf(STREAM)?.entries;
    for (const job of this.ledger.jobs.values()) {
      job.isForgotten = true;
      job.isLost = !job.entries.some((entry) => entries?.has(Number.parseInt(entry, 10)));
    }
    await this.redisUp();
  }

  /** All troubles end; then everything happens in its order, until all jobs are done. */
  async settle(): Promise<void> {
    this.#isSettling = true;
    for (const life of this.#held) this.letGo(life);
    this.refusals.length = 0;
    this.isCloudUp = true;
    for (const disk of this.disks.values()) disk.trouble = undefined;
    await this.redisUp();
    const until = this.time.now + PATIENCE_MS;
    for (let quiet = 0; this.time.now < until;) {
      for (const name of this.options.nodes) await this.start(name);
      const [event] = this.#events;
      if (event !== undefined) await this.happen(event);
      else if (this.#isDone && (quiet += 1) > QUIET) break;
      else await this.pass();
    }
    this.ledger.ended(
      (jobId) => this.stateOf(jobId),
      (jobId) => this.server.data.texts.has(outcomeKey(jobId)),
    );
    if (this.ledger.broken !== undefined) throw this.ledger.broken;
  }

  stateOf(jobId: string): string | null {
    return this.server.data.hashes.get(statusKey(jobId))?.get('state') ?? null;
  }

  get #isDone(): boolean {
    const stream = this.server.streamOf(STREAM);
    const group = stream?.groups.get(GROUP);
    if (stream !== undefined && (group === undefined || group.pending.size > 0 || group.readTo < stream.last))
      return false;
    const isDelivered = [...this.lives.values()].every(({ outbox }) => outbox?.size === 0);
    return isDelivered && this.ledger.allHaveStates((jobId) => this.stateOf(jobId));
  }

  run(life: NodeLife, { jobId, signal }: RunContext): Promise<ExecutionResult> {
    const run = this.ledger.runStarted(life, jobId);
    const { kind } = this.ledger.get(jobId);
    const number = (this.#runs += 1);
    this.trace(`${life.node} runs ${jobId} (${kind})`);
    if (kind === 'exits at once') for (const listener of life.exitListeners) listener();
    if (kind === 'exits at once' || kind === 'deadly at once') {
      life.disk.isFrozen = true;
      this.#dying = life;
      return new Promise(() => {});
    }
    return new Promise((resolve, reject) => {
      const happen = (): void => {
        run.isOver = true;
        if (kind === 'deadly') this.#dying = life;
        else if (signal.aborted) reject(new Error('stopped'));
        else if (kind === 'fails') reject(new Error(`no luck in run ${number}`));
        else resolve({ counts: { 0: 1 }, executionTimeMs: number, shotsCompleted: 1 });
      };
      this.#events.push({ life, what: `${life.node}'s run of ${jobId} ends`, isRun: true, happen });
      life.killRun = () => {
        run.isOver = true;
        this.#events = this.#events.filter((event) => event.happen !== happen);
        reject(new ExecutorDiedError('the executor died'));
      };
    });
  }

  post(life: NodeLife, jobId: string, body: string): Promise<Delivery> {
    const post = this.ledger.postBegun(life, jobId, body);
    return new Promise((resolve) => {
      const lose = (): void => resolve({ kind: 'retry', reason: 'the connection is lost', sent: true });
      const answer = (delivery: Delivery): void => {
        const happen = (): void => {
          post.isAnswered = delivery.kind !== 'retry';
          resolve(delivery);
        };
        const what = `the cloud's answer on ${jobId} reaches ${life.node}: ${delivery.kind}`;
        this.#events.push({ life, what, isRun: false, happen, lose });
      };
      const happen = (): void => {
        if (!this.isCloudUp) answer({ kind: 'retry', reason: 'the cloud is away', sent: false });
        else if (this.ledger.arrived(post, jobId)) answer({ kind: 'delivered' });
        else answer({ kind: 'refused', reason: 'no' });
      };
      const what = `the outcome of ${jobId} reaches the cloud from ${life.node}`;
      this.#events.push({ life, what, isRun: false, happen, lose });
    });
  }

  /** The connection of its oldest attempt to deliver is lost: before the cloud has got it, or the answer. */
  async losePost(life: NodeLife): Promise<void> {
    const event = this.#events.find((other) => other.life === life && other.lose !== undefined);
    if (event?.lose === undefined) return;
    await this.happen({ ...event, what: `lost: ${event.what}`, happen: event.lose }, event);
  }

  log(life: NodeLife, line: string): void {
    this.trace(`    ${life.node}: ${line}`);
  }

  wireOf(life: NodeLife): Wire {
    return {
      world: this,
      happens: (what, happen) => void this.#events.push({ life, what, isRun: false, happen }),
      handle: (name, args) => this.#handle(life, name, args),
      readWaits: (client, blockMs) => {
        const reader = {
          client,
          timer: this.time.start(() => this.#wake(reader), blockMs, undefined, false),
        };
        this.#readers.push(reader);
      },
      after: (ms, then) => this.time.start(then, ms, life, false),
      stop: (timer) => this.time.stop(timer),
      connected: () => {
        life.troubleAt = this.time.now;
        for (const jobId of this.ledger.jobs.keys())
          if (this.server.data.texts.has(cancelKey(jobId))) this.#tellCancel(life, jobId);
      },
    };
  }

  #handle(life: NodeLife, name: string, args: readonly string[]): Reply | typeof WAITS {
    const at = this.refusals.findIndex(({ command }) => command.test(name));
    const [refusal] = at === -1 ? [] : this.refusals.splice(at, 1);
    if (refusal !== undefined) {
      if (name.toUpperCase() === 'HSET') this.ledger.get(jobIdOf(args)).refusedIn = life;
      if (name.toUpperCase() === 'SET') this.ledger.get(jobIdOf(args)).isCopyRefused = true;
      throw new ErrorReply(refusal.error);
    }
    const command = name.toUpperCase();
    if (command === 'XACK') this.#acknowledged(args.slice(2));
    if (command === 'SET') this.ledger.copied(jobIdOf(args));
    if (command === 'STRLEN') this.ledger.copyAsked(life, jobIdOf(args));
    if (command !== 'HSET') return this.server.handle(name, args);
    const [key = ''] = args;
    const jobId = jobIdOf(args);
    const before = this.stateOf(jobId);
    const reply = this.server.handle(name, args);
    const state = this.stateOf(jobId);
    if (state !== null) this.ledger.stated(life, jobId, state, before);
    if (state === 'failed') this.ledger.failed(jobId, this.server.data.hashes.get(key)?.get('error') ?? '');
    return reply;
  }

  #acknowledged(entries: readonly string[]): void {
    const pending = this.server.streamOf(STREAM)?.groups.get(GROUP)?.pending;
    for (const entry of entries) {
      if (pending?.has(Number.parseInt(entry, 10)) !== true) continue;
      const jobId = this.ledger.ofEntry(entry)?.jobId ?? '';
      this.ledger.acknowledged(entry, this.stateOf(jobId));
    }
  }

  #later(life: NodeLife | undefined, what: string, effect: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const happen = (): void => {
        try {
          effect();
          resolve();
        } catch (thrown) {
          reject(thrown);
        }
      };
      this.#events.push({ life, what: `the disk ${what}`, isRun: false, happen, effect });
    });
  }

  #isOutOfTouch(life: NodeLife): boolean {
    const isOff = life.clients.length === 0 || life.clients.some(({ status }) => status !== 'ready');
    return isOff || this.#held.has(life) || this.time.now - life.troubleAt < 2 * LEASE_MS;
  }

  #wake(reader: { readonly client: RedisClient; readonly timer: Timer }): void {
    this.#readers = this.#readers.filter((other) => other !== reader);
    this.time.stop(reader.timer);
    reader.client.wake();
  }

  #forgetReader(client: RedisClient): void {
    for (const reader of this.#readers) if (reader.client === client) this.time.stop(reader.timer);
    this.#readers = this.#readers.filter((reader) => reader.client !== client);
  }
}

/** The job of a status hash, or of a copy. */
function jobIdOf([key = '']: readonly string[]): string {
  return key.split(':')[2] ?? '';
}

/** Nothing of a world without a node is on a disk. */
const NO_DISK = new Disk({ written: () => {}, synced: () => {} });

function quietly(effect: (() => void) | undefined): void {
  try {
    effect?.();
  } catch {
    // A disk that is full.
  }
}
