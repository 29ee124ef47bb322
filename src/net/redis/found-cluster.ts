// The cluster behind the URL of Redis, from the moment at which a server says that it is one of a cluster. One of a single
// shard is not followed: its primary is used like a single server.
import { messageOf } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { RedisPlace } from '../../protocol/urls.ts';
import { AnnouncedConnector } from './connector.ts';
import type { ConnectionOptions } from './following.ts';
import { isSamePlace, keyOf, Shards } from './shards.ts';

export interface FoundClusterOptions {
  /** The servers of the URL. */
  readonly hosts: readonly RedisPlace[];
  /** Of each connection. */
  readonly redisOptions: ConnectionOptions;
  readonly streamSlot: number | undefined;
  readonly log: Logger | undefined;
  /** After each look at a cluster of several shards. `owner`: the primary of the stream of jobs. */
  readonly onLook: (primaries: readonly RedisPlace[], owner: RedisPlace | undefined) => void;
}

export class FoundCluster {
  readonly #options: FoundClusterOptions;
  #followed: Shards | undefined;
  /** A cluster is no reason to look for shards: it has one, or does not say. */
  #isAlone = false;
  /** It has one. */
  #isSingle = false;
  /** The URL leads to a replica of it. */
  #isAtReplica = false;
  #primary: RedisPlace | undefined;
  #saidLast = '';

  constructor(options: FoundClusterOptions) {
    this.#options = options;
  }

  get isFollowed(): boolean {
    return this.#followed !== undefined;
  }

  /** Undefined unless the keys are spread over several servers. */
  get shards(): Shards | undefined {
    const followed = this.#followed;
    return followed !== undefined && followed.primaries.length > 1 ? followed : undefined;
  }

  get primaries(): readonly RedisPlace[] {
    return this.#followed?.primaries ?? [];
  }

  /** Of a cluster of one shard, the primary, if the URL leads elsewhere. */
  get primary(): RedisPlace | undefined {
    return this.#primary;
  }

  /** The server at `place` says that it is one of a cluster. Returns whether that is news: it has to be asked first where the
   *  stream is. */
  met(place: RedisPlace, isReplica: boolean): boolean {
    if (this.isFollowed || this.#isAlone) return false;
    this.follow(place, isReplica);
    return true;
  }

  follow(place: RedisPlace, isReplica: boolean): void {
    if (this.isFollowed) return;
    const { hosts, redisOptions } = this.#options;
    this.#isAtReplica = isReplica;
    this.#followed = new Shards({
      places: [place, ...hosts],
      redisOptions: {
        ...redisOptions,
        Connector: AnnouncedConnector,
        maxRetriesPerRequest: 0,
        connectionName: 'coda-node:shards',
      },
      onLook: () => this.#looked(),
    });
  }

  /** The shard of the stream; `host` if there are no shards after all. */
  async placeFor(host: RedisPlace): Promise<RedisPlace> {
    const { streamSlot, log } = this.#options;
    const followed = this.#followed;
    if (followed === undefined) return this.#primary ?? host;
    try {
      const owner = await followed.ownerOf(streamSlot ?? 0);
      this.#isSingle = followed.primaries.length === 1;
      if (this.#isSingle && this.#isAtReplica) this.#primary = owner;
      if (followed.primaries.length > 1) return streamSlot === undefined ? host : owner;
    } catch (thrown) {
      // Known shards that do not answer come back. One that never named any may not be allowed to.
      if (followed.primaries.length > 1) throw thrown;
      log?.debug(`Redis is a cluster, and does not say which servers it has: ${messageOf(thrown)}`);
    }
    if (this.#followed === followed) {
      this.#isAlone = true;
      this.close();
    }
    return this.#primary ?? host;
  }

  /** A server says that a slot is, or will be, at `place`: there are others after all. */
  moved(word: 'MOVED' | 'ASK', place: RedisPlace): void {
    this.#isAlone = false;
    if (this.#isSingle && word === 'MOVED') this.#primary = place;
  }

  /** A connection to `place` could not be used. */
  lost(place: RedisPlace): void {
    if (isSamePlace(place, this.#primary)) this.#primary = undefined;
  }

  /** Leaves its connections for new ones. */
  renew(): void {
    this.#followed?.renew();
  }

  close(): void {
    this.#followed?.close();
    this.#followed = undefined;
  }

  #looked(): void {
    const { shards } = this;
    if (shards === undefined) return;
    const { streamSlot, onLook } = this.#options;
    const owner = streamSlot === undefined ? undefined : shards.knownOwnerOf(streamSlot);
    this.#say(shards.primaries, owner);
    onLook(shards.primaries, owner);
  }

  #say(primaries: readonly RedisPlace[], owner: RedisPlace | undefined): void {
    const stream = owner === undefined ? '' : `; the stream of jobs is at ${keyOf(owner)}`;
    const said = `${primaries.length} shards (${primaries.map(keyOf).join(', ')})${stream}`;
    if (said === this.#saidLast) return;
    const what =
      this.#saidLast === '' ? 'Redis is a cluster, which the node follows' : 'the cluster has changed';
    this.#saidLast = said;
    this.#options.log?.info(`${what}: ${said}`);
  }
}
