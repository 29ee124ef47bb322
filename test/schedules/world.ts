// One or two nodes, their Redis and the cloud: what there is, and what a schedule can do to it. What the nodes do is seen by a
// ledger that knows the promises.
import type { Outbox } from '../../src/outbox/outbox.ts';
import { cancelKey, outcomeKey, statusKey } from '../../src/protocol/keys.ts';
import { Disk } from './disk.ts';
import { messageOf, type Kind } from './jobs.ts';
import { Ledger } from './ledger.ts';
import { GROUP, LEASE_MS, MAX_DELIVERIES, NodeLife, STREAM } from './node.ts';
import { Outside } from './outside.ts';
import type { Feature } from './plugins.ts';
import { RedisServer } from './redis-server.ts';
import { watchDisk } from './saved.ts';
import { Scheduler } from './scheduler.ts';

export interface WorldOptions {
  readonly nodes: readonly string[];
  readonly isFast: boolean;
  /** Its nodes keep copies of outcomes in Redis. */
  readonly hasCopies: boolean;
  /** The stream is in one part of a cluster, and all keys of jobs in another one. */
  readonly isSpread: boolean;
  /** What the nodes have beside the pipeline. */
  readonly features?: readonly Feature[] | undefined;
  /** What is to be broken in the nodes: see broken.test.ts. */
  readonly wrap?: ((outbox: Outbox) => Outbox) | undefined;
}

/** So long after its troubles a world must have done all its jobs. */
const PATIENCE_MS = 90_000;
/** So many timers still fire once they are done: a node may have something to say. */
const QUIET = 2;

export class World extends Scheduler {
  readonly server = new RedisServer(() => this.time.now);
  readonly ledger: Ledger;
  readonly lives = new Map<string, NodeLife>();
  readonly disks = new Map<string, Disk>();
  readonly options: WorldOptions;
  isRedisUp = true;
  isCloudUp = true;
  /** With what Redis answers the next commands. */
  readonly refusals: { readonly command: RegExp; readonly error: string }[] = [];
  /** Ends once its code has done all that it does now. */
  dying: NodeLife | undefined;
  readonly #outside: Outside;
  #isSettling = false;
  #jobs = 0;

  constructor(options: WorldOptions) {
    super(options.isFast);
    this.options = options;
    this.ledger = new Ledger(MAX_DELIVERIES, options.hasCopies);
    this.#outside = new Outside(this, options.hasCopies, options.isSpread);
    for (const name of options.nodes) this.disks.set(name, new Disk(watchDisk(name, this.ledger)));
    this.server.onClaimed = (id, from, to, idleMs) => {
      // A node gives its own entries back.
      if (to === 'original') return;
      const life = this.lives.get(from);
      const isLimit = life === undefined || !options.isFast || this.#isOutOfTouch(life);
      if (idleMs < LEASE_MS && this.server.sentAt < this.time.now) this.ledger.takenBack(`${id}-0`);
      this.ledger.claimed(
        `${id}-0`,
        from,
        isLimit && idleMs >= LEASE_MS,
        (jobId) => life?.outbox?.has(jobId) === true,
      );
    };
  }

  get features(): readonly Feature[] {
    return this.options.features ?? [];
  }

  protected override stepped(): void {
    if (this.dying !== undefined) this.kill(this.dying);
    if (this.ledger.broken !== undefined) throw this.ledger.broken;
  }

  async start(name: string): Promise<void> {
    const disk = this.disks.get(name);
    if (this.lives.has(name) || disk === undefined) return;
    const life = new NodeLife(name, disk, this.#outside, this.features);
    this.lives.set(name, life);
    await this.act(life, () => {
      life.start(this.options.wrap).catch((thrown: unknown) => {
        this.trace(() => `${name} cannot start: ${String(thrown)}`);
        if (this.#isSettling) this.ledger.breaks('every-job-ends', `${name} cannot start: ${String(thrown)}`);
        this.dying = life;
      });
    });
  }

  /** The node stops at once. `isLate`: what its disk was asked to do still happens. */
  kill(life: NodeLife, { isLate = false, silently = false } = {}): void {
    this.dying = undefined;
    if (this.lives.get(life.node) !== life) return;
    this.lives.delete(life.node);
    const own = this.eventsOf(life);
    this.removeAllOf(life);
    if (isLate) for (const { effect } of own) quietly(effect);
    life.disk.isFrozen = false;
    for (const client of life.clients) {
      if (!silently) this.#outside.forgetReader(client);
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
    // It has read from the stream once.
    if (handsBack) this.server.streamOf(STREAM)?.groups.get(GROUP)?.consumers.add('original');
    await this.act(life, () => {
      void life.drain(handsBack).then((handedOver) => {
        // Once, also if several entries bring it.
        for (const jobId of new Set(handedOver)) this.#original(life, jobId);
        this.dying = life;
      });
    });
  }

  /** Another program has the job now, and does it. */
  #original(life: NodeLife, jobId: string): void {
    this.ledger.handedBack(life, jobId, this.stateOf(jobId));
    const { entries } = this.ledger.get(jobId);
    this.server.handle('XACK', [STREAM, GROUP, ...entries]);
    this.server.handle('HSET', [statusKey(jobId), 'state', 'completed']);
  }

  submit(kind: Kind, jobId = `job-${(this.#jobs += 1)}`): void {
    if (!this.isRedisUp) return;
    const entry = String(this.server.handle('XADD', [STREAM, '*', ...messageOf(jobId, kind)]));
    this.ledger.submitted(jobId, kind, entry);
    this.#outside.wakeReader();
  }

  cancel(jobId: string): void {
    if (!this.isRedisUp) return;
    this.server.handle('SET', [cancelKey(jobId), '1']);
    this.ledger.get(jobId).isCancelAsked = true;
    for (const life of this.lives.values()) this.tellCancel(life, jobId);
  }

  tellCancel(life: NodeLife, jobId: string): void {
    const happen = (): void => {
      if (life.pipeline === undefined) return;
      this.ledger.heardCancel(life, jobId, life.pipeline.cancel(jobId));
    };
    this.add({ life, what: () => `${life.node} hears that ${jobId} is cancelled`, isRun: false, happen });
  }

  cut(life: NodeLife, { isHandled = false } = {}): void {
    for (const client of life.clients) {
      if (isHandled) client.handleAll();
      this.#outside.forgetReader(client);
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
      // A limit: nobody can hear of the cancel any more.
      if (!this.server.data.texts.has(cancelKey(job.jobId))) job.cancelledIn.clear();
      job.isLost = !job.entries.some((entry) => entries?.has(Number.parseInt(entry, 10)));
    }
    await this.redisUp();
  }

  /** All troubles end; then everything happens in its order, until all jobs are done. */
  async settle(): Promise<void> {
    this.#isSettling = true;
    this.letAllGo();
    this.refusals.length = 0;
    this.isCloudUp = true;
    for (const disk of this.disks.values()) disk.trouble = undefined;
    await this.redisUp();
    const until = this.time.now + PATIENCE_MS;
    for (let quiet = 0; this.time.now < until;) {
      for (const name of this.options.nodes) if (!this.lives.has(name)) await this.start(name);
      const [event] = this.events;
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

  /** The connection of its oldest attempt to deliver is lost: before the cloud has got it, or the answer. */
  async losePost(life: NodeLife): Promise<void> {
    const event = this.eventsOf(life).find(({ lose }) => lose !== undefined);
    if (event?.lose === undefined) return;
    await this.happen({ ...event, what: () => `lost: ${event.what()}`, happen: event.lose }, event);
  }

  #isOutOfTouch(life: NodeLife): boolean {
    const isOff = life.clients.length === 0 || life.clients.some(({ status }) => status !== 'ready');
    return isOff || this.isHeld(life) || this.time.now - life.troubleAt < 2 * LEASE_MS;
  }
}

function quietly(effect: (() => void) | undefined): void {
  try {
    effect?.();
  } catch {
    // A disk that is full.
  }
}
