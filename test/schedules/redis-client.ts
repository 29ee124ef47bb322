// A connection of a node to the Redis of its world, with what a node uses of ioredis. A command is handled, and its answer
// arrives, when the schedule says so; both in their order. What is cut off in between fails, as with
// `maxRetriesPerRequest: 0`.
import { EventEmitter } from 'node:events';
import { WAITS, type Reply } from './redis-server.ts';
import type { Timer } from './time.ts';

/** After so long a silence the client closes the connection (src/net/redis.ts). */
const SILENT_MS = 5_000;

interface Asked {
  readonly name: string;
  readonly args: readonly string[];
  /** When it was sent. */
  readonly at: number;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

interface Answered {
  readonly asked: Asked;
  readonly reply: Reply | Error;
}

/** What the connection needs of its world. */
export interface Wire {
  readonly world: { readonly isRedisUp: boolean };
  connected(): void;
  /** The schedule has this happen later. */
  happens(what: () => string, happen: () => void): void;
  /** Handles one command, or throws an ErrorReply. */
  handle(asked: Pick<Asked, 'name' | 'args' | 'at'>): Reply | typeof WAITS;
  readonly now: number;
  /** Its read waits for an entry. */
  readWaits(client: RedisClient, blockMs: number): void;
  after(ms: number, then: () => void): Timer;
  stop(timer: Timer): void;
}

export class RedisClient extends EventEmitter {
  /** Never one of which a look at the server would follow (src/net/connection-trouble.ts): there is no network here. */
  status: 'connect' | 'ready' | 'end' = 'connect';
  readonly options = { host: 'redis' };
  readonly stream = { cork: () => {}, uncork: () => {}, on: () => {}, destroy: () => this.cut() };
  readonly name: string;
  readonly #wire: Wire;
  #asked: Asked[] = [];
  #answered: Answered[] = [];
  #isWaiting = false;
  #silence: Timer | undefined;
  /** Where the keys of jobs are, if not there where the stream is. */
  #shard: RedisClient | undefined;

  constructor(name: string, wire: Wire) {
    super();
    this.name = name;
    this.#wire = wire;
    this.connectLater();
  }

  spreadTo(shard: RedisClient): void {
    this.#shard = shard;
  }

  connectLater(): void {
    if (!this.#wire.world.isRedisUp) return;
    this.#wire.happens(
      () => `${this.name} connects`,
      () => {
        if (this.status !== 'connect' || !this.#wire.world.isRedisUp) return;
        this.status = 'ready';
        this.#wire.connected();
        this.emit('ready');
        if (this.#asked.length > 0) this.#begin();
      },
    );
  }

  call(name: string, ...given: (string | number)[]): Promise<Reply> {
    if (this.status === 'end') return Promise.reject(new Error('Connection is closed.'));
    if (this.#shard !== undefined && String(given[0]).startsWith('qpu:job:'))
      return this.#shard.call(name, ...given);
    if (isForPeople(name, given)) return this.status === 'ready' ? PONG : Promise.reject(lost());
    if (!this.#wire.world.isRedisUp) return Promise.reject(lost());
    const args = given.map(String);
    return new Promise((resolve, reject) => {
      this.#asked.push({ name, args, at: this.#wire.now, resolve, reject });
      if (this.status === 'ready' && this.#asked.length === 1 && !this.#isWaiting) this.#begin();
    });
  }

  ping(): Promise<Reply> {
    return this.call('PING');
  }

  hget(key: string, field: string): Promise<Reply> {
    return this.call('HGET', key, field);
  }

  exists(...keys: string[]): Promise<Reply> {
    return this.call('EXISTS', ...keys);
  }

  type(): Promise<string> {
    return Promise.resolve('none');
  }

  info(): Promise<string> {
    return Promise.resolve('');
  }

  /** For good. */
  disconnect(): void {
    if (this.status === 'end') return;
    this.status = 'end';
    this.#fail(new Error('Connection is closed.'));
    this.emit('close');
    this.emit('end');
  }

  /** The connection is lost; what was handled already has had its effect. */
  cut(): void {
    if (this.status !== 'ready') return;
    this.status = 'connect';
    this.emit('close');
    this.#fail(lost());
    this.connectLater();
  }

  /** The server handles everything that was sent. */
  handleAll(): void {
    while (this.status === 'ready' && this.#asked.length > 0 && !this.#isWaiting) this.#handle();
  }

  /** The server has something for the read that waits, or will not wait any longer. */
  wake(): void {
    if (!this.#isWaiting) return;
    this.#isWaiting = false;
    this.#handle(true);
  }

  get isReading(): boolean {
    return this.#isWaiting;
  }

  /** Nothing of it happens any more. */
  end(): void {
    this.status = 'end';
    this.#asked = [];
    this.#answered = [];
    this.#isWaiting = false;
  }

  #begin(): void {
    const [first] = this.#asked;
    this.#wire.happens(
      () => `Redis handles ${this.name}: ${first?.name} ${first?.args.join(' ')}`,
      () => {
        if (this.#asked.length > 0 && !this.#isWaiting && this.status === 'ready') this.#handle();
      },
    );
    if (this.#silence !== undefined) return;
    this.#silence = this.#wire.after(SILENT_MS, () => {
      this.#silence = undefined;
      if (this.#asked.length > 0 || this.#answered.length > 0) this.cut();
    });
  }

  #handle(isOver = false): void {
    const [first] = this.#asked;
    if (first === undefined) return;
    let reply: Reply | Error | typeof WAITS;
    try {
      reply = this.#wire.handle(first);
    } catch (thrown) {
      reply = thrown as Error;
    }
    if (reply === WAITS && !isOver) {
      this.#isWaiting = true;
      this.#wire.readWaits(this, Number(first.args[first.args.indexOf('BLOCK') + 1]));
      return;
    }
    this.#asked.shift();
    this.#answered.push({ asked: first, reply: reply === WAITS ? null : reply });
    if (this.#answered.length === 1) {
      this.#wire.happens(
        () => `the answers of Redis reach ${this.name}`,
        () => this.#arrive(),
      );
    }
    if (this.#asked.length > 0) this.#begin();
  }

  #arrive(): void {
    if (this.#silence !== undefined) this.#wire.stop(this.#silence);
    this.#silence = undefined;
    const answered = this.#answered;
    this.#answered = [];
    for (const { asked, reply } of answered) {
      if (reply instanceof Error) asked.reject(reply);
      else asked.resolve(reply);
    }
  }

  #fail(error: Error): void {
    const unanswered = [...this.#answered.map(({ asked }) => asked), ...this.#asked];
    this.#asked = [];
    this.#answered = [];
    this.#isWaiting = false;
    for (const { reject } of unanswered) reject(error);
  }
}

const PONG = Promise.resolve('PONG');

/** What is asked for people only does not wait for its turn. */
function isForPeople(name: string, args: readonly (string | number)[]): boolean {
  return /^ping$/i.test(name) || args.some((arg) => typeof arg === 'string' && arg.includes('coda-doctor'));
}

function lost(): Error {
  return Object.assign(new Error('the connection is lost'), { name: 'MaxRetriesPerRequestError' });
}
