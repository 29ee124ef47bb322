// The primaries of a Redis Cluster, through the cluster client of ioredis: it knows which of them has which key, follows
// keys that move, and asks the cluster again from time to time.
import type { Socket } from 'node:net';
import { Cluster, Command, type RedisOptions } from 'ioredis';
import type { RedisPlace } from '../../protocol/urls.ts';

/** How soon a change of the cluster is seen that no command has met. */
const LOOK_EVERY_MS = 5_000;
const LOOK_TIMEOUT_MS = 2_000;
const SILENT = 'no server of the cluster says which shards it has';

export interface ShardsOptions {
  /** Servers of the cluster that are asked first. */
  readonly places: readonly RedisPlace[];
  /** Of each connection. */
  readonly redisOptions: Omit<RedisOptions, 'host' | 'port' | 'retryStrategy' | 'replyMapping'>;
  /** After each look at the cluster. */
  readonly onLook: () => void;
}

export interface UnreachableShard {
  readonly place: RedisPlace;
  readonly error: Error;
}

export class Shards {
  readonly #options: ShardsOptions;
  #cluster: Cluster;
  /** Of the servers to which no connection can be made at the moment, by `host:port`. */
  readonly #errors = new Map<string, Error>();
  #primaries: readonly RedisPlace[] = [];
  /** The servers of each slot, the primary first. */
  #slots: readonly (readonly string[] | undefined)[] = [];
  #closed = false;
  /** That of ioredis itself goes on for ever if its client is closed during a look. */
  readonly #timer: NodeJS.Timeout;

  constructor(options: ShardsOptions) {
    this.#options = options;
    this.#cluster = this.#open(options.places);
    this.#timer = setInterval(() => this.#cluster.refreshSlotsCache(), LOOK_EVERY_MS).unref();
  }

  /** The servers that had slots when the cluster was last asked, without replicas. */
  get primaries(): readonly RedisPlace[] {
    return this.#primaries;
  }

  /** A primary that cannot be reached, and why, if there is one besides that of this slot. */
  unreachable(slot: number | undefined): UnreachableShard | undefined {
    const owner = slot === undefined ? undefined : this.knownOwnerOf(slot);
    for (const place of this.#primaries) {
      const error = this.#errors.get(keyOf(place));
      if (error !== undefined && !isSamePlace(place, owner)) return { place, error };
    }
    return undefined;
  }

  /** The sockets to the primaries. */
  streams(): Socket[] {
    return this.#cluster.nodes('master').flatMap(({ stream }: { stream?: Socket }) => stream ?? []);
  }

  /** Sends a command to the shard of its key. It fails with its connection, and is not sent again. */
  send(command: Command): unknown {
    return this.#current().sendCommand(command);
  }

  /** The primary of a slot, from a new look at the cluster; if no server of it answers, as before. Rejects if none has the
   *  slot. */
  async ownerOf(slot: number): Promise<RedisPlace> {
    const cluster = this.#current();
    const looked = cluster.status === 'ready' ? look(cluster) : started(cluster);
    const silent = await looked.then(
      () => undefined,
      (thrown: Error) => thrown,
    );
    // They may have other addresses by now: next time, the servers of the URL are asked, too.
    if (silent !== undefined && cluster === this.#cluster && cluster.status === 'ready') this.renew();
    const place = this.knownOwnerOf(slot);
    if (place !== undefined) return place;
    throw silent ?? new Error(`CLUSTERDOWN no server of the cluster has the slot ${slot}`);
  }

  /** As the cluster said last. */
  knownOwnerOf(slot: number): RedisPlace | undefined {
    const key = this.#slots[slot]?.[0];
    return key === undefined ? undefined : placeOf(key);
  }

  /** Leaves all connections for new ones: the network is another one. */
  renew(): void {
    if (this.#closed) return;
    const before = this.#cluster;
    this.#cluster = this.#open([...this.#primaries, ...this.#options.places]);
    before.disconnect();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#cluster.disconnect();
  }

  /** A client that has lost the whole cluster has ended. */
  #current(): Cluster {
    if (this.#cluster.status === 'end' && !this.#closed)
      this.#cluster = this.#open([...this.#primaries, ...this.#options.places]);
    return this.#cluster;
  }

  #open(places: readonly RedisPlace[]): Cluster {
    const { redisOptions, onLook } = this.#options;
    const cluster = new Cluster([...places], {
      // Who sends a command repeats it, at a pace of its own: nothing waits here for minutes, and then comes too late.
      clusterRetryStrategy: () => null,
      retryDelayOnFailover: 0,
      retryDelayOnClusterDown: 0,
      enableReadyCheck: false,
      slotsRefreshInterval: 0,
      slotsRefreshTimeout: LOOK_TIMEOUT_MS,
      // The connector tries each address of a name, and TLS needs the name.
      dnsLookup: (name, done) => done(null, name),
      redisOptions,
    });
    cluster.on('error', () => {});
    cluster.on('node error', (error: Error, key: string) => {
      // The first says more than those of the commands that it has failed.
      if (!this.#errors.has(key)) this.#errors.set(key, error);
    });
    cluster.on('+node', (redis: Member) => {
      redis.on('ready', () => this.#errors.delete(keyOfRedis(redis)));
      quieten(redis);
    });
    cluster.on('refresh', () => {
      if (cluster !== this.#cluster) return;
      this.#slots = cluster.slots;
      this.#primaries = primariesIn(cluster.slots);
      // Those of servers that have left are of no use to one that gets their address, and would become more and more.
      const known = new Set(cluster.nodes().map(keyOfRedis));
      for (const key of this.#errors.keys()) if (!known.has(key)) this.#errors.delete(key);
      // Nobody may have anything to send to it.
      for (const redis of cluster.nodes('master'))
        if (this.#errors.has(keyOfRedis(redis))) redis.ping().catch(() => {});
      onLook();
    });
    return cluster;
  }
}

type Member = ReturnType<Cluster['nodes']>[number];

/** Changes what ioredis sends by itself. ASKING precedes a command of a key that moves, and its failure is left to nobody. READONLY
 *  is for reading from replicas, which no command here does; the node's user has no right to it. */
function quieten(redis: Member): void {
  const [asking, duplicate] = [redis.asking.bind(redis), redis.duplicate.bind(redis)];
  redis.asking = () => {
    const answer = asking();
    answer.catch(() => {});
    return answer;
  };
  redis.readonly = redis.readwrite = () => Promise.resolve('OK');
  // Such a connection asks for the shards.
  redis.duplicate = (options) => duplicate({ ...options, readOnly: false });
}

/** The slot of a key. */
export function slotOf(key: string): number {
  return new Command('exists', [key]).getSlot();
}

/** `host:port`, as ioredis writes it. */
export function placeOf(key: string): RedisPlace {
  const at = key.lastIndexOf(':');
  return { host: key.slice(0, at), port: Number(key.slice(at + 1)) };
}

export function isSamePlace(a: RedisPlace | undefined, b: RedisPlace | undefined): boolean {
  return a?.host === b?.host && a?.port === b?.port;
}

export function keyOf({ host, port }: RedisPlace): string {
  return `${host}:${port}`;
}

function keyOfRedis({ options: { host = '', port = 0 } }: { readonly options: RedisOptions }): string {
  return keyOf({ host, port });
}

function primariesIn(slots: readonly (readonly string[] | undefined)[]): RedisPlace[] {
  const keys = new Set<string>();
  for (const owners of slots) if (owners?.[0] !== undefined) keys.add(owners[0]);
  return [...keys].toSorted().map(placeOf);
}

function look(cluster: Cluster): Promise<void> {
  return new Promise((resolve, reject) =>
    cluster.refreshSlotsCache((error) => (error ? reject(new Error(SILENT, { cause: error })) : resolve())),
  );
}

/** Resolves when the client knows the cluster. */
function started(cluster: Cluster): Promise<void> {
  return new Promise((resolve, reject) => {
    const onReady = (): void => end(resolve);
    const onEnd = (): void => end(() => reject(new Error(SILENT)));
    const end = (done: () => void): void => {
      cluster.off('ready', onReady).off('end', onEnd);
      done();
    };
    cluster.on('ready', onReady).on('end', onEnd);
  });
}
