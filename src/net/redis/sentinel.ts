// Asks Sentinels where the primary is.
import { Redis, type RedisOptions } from 'ioredis';
import { messageOf } from '../../errors.ts';
import type { RedisAddress, RedisPlace } from '../../protocol/urls.ts';
import { isSamePlace } from './shards.ts';

const ANSWER_WITHIN_MS = 2_000;

export class Sentinels {
  readonly #address: RedisAddress;
  readonly #name: string;
  /** Of the connections to the Sentinels. */
  readonly #options: Omit<RedisOptions, 'replyMapping'>;
  /** The one that has answered last is asked first. */
  #hosts: readonly RedisPlace[];

  constructor(address: RedisAddress, name: string, options: Omit<RedisOptions, 'replyMapping'>) {
    this.#address = address;
    this.#name = name;
    this.#options = options;
    this.#hosts = address.hosts;
  }

  /** Where the primary is now, as the first Sentinel says that answers. Rejects if none knows it. */
  async primary(): Promise<RedisPlace> {
    const failures: string[] = [];
    for (const host of this.#hosts) {
      try {
        const primary = await this.#ask(host);
        this.#hosts = [host, ...this.#hosts.filter((other) => !isSamePlace(other, host))];
        return primary;
      } catch (thrown) {
        failures.push(`${host.host}:${host.port}: ${messageOf(thrown)}`);
      }
    }
    throw new Error(`NOSENTINEL ${failures.join('; ')}`);
  }

  async #ask(host: RedisPlace): Promise<RedisPlace> {
    const { username, password } = this.#address;
    const sentinel = new Redis({
      ...this.#options,
      ...host,
      lazyConnect: true,
      enableReadyCheck: false,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      connectTimeout: ANSWER_WITHIN_MS,
      socketTimeout: ANSWER_WITHIN_MS,
    });
    let failed: unknown;
    sentinel.on('error', (error) => (failed = error));
    const ask = (): Promise<unknown> => sentinel.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', this.#name);
    try {
      const answer = await ask().catch(async (thrown: unknown) => {
        // Most Sentinels want no password, and refuse one that they do not know.
        if (password === undefined || !messageOf(thrown).startsWith('NOAUTH')) throw failed ?? thrown;
        await (username === undefined ? sentinel.auth(password) : sentinel.auth(username, password));
        return ask();
      });
      if (!Array.isArray(answer)) throw new Error(`it knows no primary with the name ${this.#name}`);
      return { host: String(answer[0]), port: Number(answer[1]) };
    } finally {
      sentinel.disconnect();
    }
  }
}
