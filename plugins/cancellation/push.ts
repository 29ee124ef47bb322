// Cancel signals by push: Redis reports every write to a key with their prefix, on connections that do nothing else: one
// to each shard, if there are several. It reports deletion and expiry in the same way, so each key is checked before its job
// is cancelled.
import type { Redis, RedisOptions } from 'ioredis';
import { messageOf, type CodaNode, type Logger } from '../../src/index.ts';
import {
  CANCEL_KEY_PREFIX,
  isConnectionFault,
  jobIdOfCancelKey,
  onOtherShards,
  redisTrouble,
  type Trouble,
} from '../../src/kit.ts';
import type { CancelCheck } from './check.ts';

const CHANNEL = '__redis__:invalidate';

const OPTIONS: Omit<RedisOptions, 'replyMapping'> = {
  // Only RESP2 delivers `invalidate` as a message.
  protocol: 2,
  // The order of the commands matters, so the client must not repeat any: each `ready` starts from the beginning.
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  enableReadyCheck: false,
};

export interface Push {
  /** Whether every server that may hold a signal reports it. */
  readonly works: boolean;
  /** Why it does not work, if so; others report a lost connection. */
  readonly trouble: Trouble | undefined;
  /** Subscribes again where the connection is up and reports nothing. */
  retry(): void;
  close(): void;
}

export function openPush(node: CodaNode, log: Logger, check: CancelCheck): Push {
  const redis = node.redis('cancel-push', OPTIONS);
  const servers = new Set([new PushConnection(redis, log, check)]);
  onOtherShards(redis, OPTIONS, (other) => {
    const server = new PushConnection(other, log, check);
    servers.add(server);
    return () => servers.delete(server);
  });
  const all = (): PushConnection[] => [...servers];

  return {
    get works() {
      return all().every(({ works }) => works);
    },
    get trouble() {
      return all().find(({ trouble }) => trouble !== undefined)?.trouble;
    },
    retry() {
      for (const server of servers) server.retry();
    },
    close() {
      for (const server of servers) server.close();
    },
  };
}

class PushConnection {
  readonly #redis: Redis;
  readonly #log: Logger;
  readonly #check: CancelCheck;
  #trouble: Trouble | undefined;
  /** Counts connections, so that the set-up of a lost one can be ignored. */
  #connection = 0;
  #works = false;
  #isSettingUp = false;
  #closed = false;

  constructor(redis: Redis, log: Logger, check: CancelCheck) {
    this.#redis = redis;
    this.#log = log;
    this.#check = check;
    redis.on('ready', () => {
      this.#connection += 1;
      void this.#setUp(this.#connection);
    });
    redis.on('close', () => {
      this.#connection += 1;
      this.#works = false;
      this.#isSettingUp = false;
    });
    redis.on('messageBuffer', (channel: Buffer, keys: unknown) => this.#received(channel, keys));
    // The client reconnects by itself; until then the signals are polled.
    redis.on('error', (error: unknown) => log.debug(`the push connection failed: ${messageOf(error)}`));
  }

  get works(): boolean {
    return this.#works;
  }

  get trouble(): Trouble | undefined {
    return this.#trouble;
  }

  retry(): void {
    if (this.#redis.status === 'ready' && !this.#works && !this.#isSettingUp)
      void this.#setUp(this.#connection);
  }

  close(): void {
    this.#closed = true;
  }

  async #setUp(mine: number): Promise<void> {
    const redis = this.#redis;
    this.#isSettingUp = true;
    try {
      const id = String(await redis.client('ID'));
      await redis.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', id, 'BCAST', 'PREFIX', CANCEL_KEY_PREFIX);
      await redis.subscribe(CHANNEL);
      if (mine !== this.#connection) return;
      this.#works = true;
      this.#trouble = undefined;
      this.#log.debug('Redis reports cancels by push');
      // Redis does not report what was written before the subscription.
      this.#check.all();
    } catch (thrown) {
      if (mine !== this.#connection || this.#closed) return;
      if (isConnectionFault(thrown)) return;
      const { text, remedy } = redisTrouble(thrown, redis);
      this.#trouble = {
        text: `Redis does not report cancels by push, so they are polled: ${text}`,
        remedy,
      };
      this.#log.debug(this.#trouble.text);
    } finally {
      if (mine === this.#connection) this.#isSettingUp = false;
    }
  }

  #received(channel: Buffer, keys: unknown): void {
    if (channel.toString() !== CHANNEL) return;
    // No list of keys: the database was flushed.
    if (!Array.isArray(keys)) return this.#check.all();
    this.#check.some(keys.map((key) => jobIdOfCancelKey(String(key))).filter((jobId) => jobId !== undefined));
  }
}
