// The servers behind one URL of Redis, and where among them each connection leads:
//
//   one server       there, always
//   several          to the first of them that is a primary
//   Sentinels        to the primary that they name, asked before each connection
//   a cluster        to the shard of the stream of jobs; commands with other keys go to their shards (following.ts)
//
// That it is a cluster shows when a server says so, whatever the URL is: one address of it is enough. A cluster of one shard
// is used like a single server, at the address that the URL has: the one that it has for itself may be out of reach.
import { ConfigError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { readRedisUrl, type RedisAddress, type RedisPlace } from '../../protocol/urls.ts';
import { networkOptions, userOptions } from './connection-options.ts';
import { AnnouncedConnector, connectorTo } from './connector.ts';
import { FollowingRedis, leadTo } from './following.ts';
import type { Announcer, ConnectionOptions, Lead, Surroundings } from './following.ts';
import { FoundCluster } from './found-cluster.ts';
import { OtherShards, type OnShard } from './other-shards.ts';
import { reconnectDelay, reconnectNow } from './pace.ts';
import { Sentinels } from './sentinel.ts';
import { isSamePlace, placeOf, slotOf, type Shards, type UnreachableShard } from './shards.ts';

export interface RedisServersOptions {
  readonly url: string;
  readonly env: NodeJS.ProcessEnv;
  /** The key of the stream of jobs. */
  readonly streamKey?: string;
  readonly log?: Logger;
}

export class RedisServers implements Surroundings {
  readonly streamSlot: number | undefined;
  readonly #address: RedisAddress;
  /** Of each connection. */
  readonly #network: ConnectionOptions;
  readonly #user: Pick<ConnectionOptions, 'username' | 'password'>;
  readonly #sentinels: Sentinels | undefined;
  readonly #cluster: FoundCluster;
  readonly #connections = new Set<FollowingRedis>();
  readonly #others = new Map<FollowingRedis, OtherShards>();
  /** Which of the hosts of the URL is in use. */
  #turn = 0;

  /** Throws a ConfigError for a URL that says more than where Redis is: ioredis itself would take any of its options from
   *  there. */
  constructor({ url, env, streamKey, log }: RedisServersOptions) {
    const address = readRedisUrl(url);
    if (typeof address === 'string')
      throw new ConfigError(`the URL of Redis ${address}`, {
        remedy: 'Correct CODA_REDIS_URL, or the settings of the QPU in Coda if the URL is from there.',
      });
    this.#address = address;
    this.streamSlot = streamKey === undefined ? undefined : slotOf(streamKey);
    this.#network = networkOptions(address, env);
    this.#user = userOptions(address);
    const { sentinel, hosts } = address;
    this.#sentinels = sentinel === undefined ? undefined : new Sentinels(address, sentinel, this.#network);
    this.#cluster = new FoundCluster({
      hosts,
      redisOptions: { ...this.#network, ...this.#user },
      streamSlot: this.streamSlot,
      log,
      onLook: (primaries, owner) => this.#lead(primaries, owner),
    });
  }

  get shards(): Shards | undefined {
    return this.#cluster.shards;
  }

  get unreachable(): UnreachableShard | undefined {
    return this.shards?.unreachable(this.streamSlot);
  }

  /** Whether the URL names one server, and no Sentinel. */
  get isOne(): boolean {
    return this.#address.hosts.length === 1 && this.#sentinels === undefined;
  }

  /** Every server that is known. */
  get places(): readonly RedisPlace[] {
    const inUse = [...this.#connections].map(({ lead }) => lead.place);
    return [...this.#address.hosts, ...this.#cluster.primaries, ...inUse];
  }

  announcerOf(place: RedisPlace): Announcer | undefined {
    if (this.#address.hosts.some((one) => isSamePlace(one, place))) return undefined;
    return this.#sentinels === undefined ? 'the cluster' : 'the Sentinel';
  }

  /** Opens a connection that reconnects for ever. After a reconnect, unanswered commands are sent again, unless the options
   *  say otherwise. */
  open(name: string, options: ConnectionOptions = {}): FollowingRedis {
    const [host] = this.#address.hosts;
    const lead = leadTo(host);
    let isReady = false;
    const redis: FollowingRedis = new FollowingRedis(
      {
        connectionName: name,
        maxRetriesPerRequest: null,
        retryStrategy: (times) => reconnectDelay(redis, times),
        // After a failover the old primary refuses writes, and in a cluster all commands: reconnect to find the new one. The
        // command itself fails, and its sender repeats it at its own pace.
        reconnectOnError: (error) => (this.#leaves(lead, error) ? 1 : false),
        ...this.#network,
        ...options,
        ...this.#user,
        db: this.#address.db,
        ...host,
        Connector: connectorTo({
          isAnnounced: (place) => this.announcerOf(place) !== undefined,
          find: () => this.#find(lead),
          accepts: (info) => this.#accepts(redis, info),
        }),
      },
      lead,
      this,
    );
    this.#connections.add(redis);
    redis.on('ready', () => (isReady = true));
    redis.on('close', () => {
      // One that could not be used: the next of several may be the primary. Unless it was left only to ask the cluster first.
      if (!isReady && !this.#cluster.isFollowed) {
        this.#turnFrom(lead.place);
        this.#cluster.lost(lead.place);
      }
      isReady = false;
    });
    return redis;
  }

  /** For a short task, over a connection that is opened with `lazyConnect` and does not reconnect by itself. Makes one
   *  attempt at each server, and resolves as `settled` does. */
  async connect(redis: FollowingRedis): Promise<void> {
    for (let left = this.#address.hosts.length; ; left -= 1) {
      try {
        await redis.connect();
        break;
      } catch (thrown) {
        // The one that has said that it is a cluster is left for the right one.
        if (this.#cluster.isFollowed) break;
        if (left <= 1) throw thrown;
      }
    }
    await this.settled(redis);
  }

  /** Resolves when commands with any key can be sent over `redis`, which is connected, or on its way. */
  async settled(redis: FollowingRedis): Promise<void> {
    if (redis.options.enableReadyCheck === false) {
      const info = await redis.info().catch(() => '');
      if (/^cluster_enabled:1/m.test(info)) this.#cluster.follow(redis.lead.place, /^role:slave/m.test(info));
      if (this.#address.db !== 0) await redis.select(this.#address.db);
    }
    const place = this.#cluster.isFollowed ? await this.#cluster.placeFor(redis.lead.place) : undefined;
    if (place !== undefined && !isSamePlace(redis.lead.place, place)) reconnectNow(redis);
    while (redis.status !== 'ready' || !isSamePlace(redis.lead.place, place ?? redis.lead.place)) {
      if (redis.status === 'end') await redis.connect();
      else await new Promise<unknown>((resolve) => redis.once('ready', resolve).once('end', resolve));
    }
  }

  onOtherShards(redis: FollowingRedis, options: ConnectionOptions, onOpen: OnShard): void {
    const name = redis.options.connectionName;
    const all = {
      ...this.#network,
      ...options,
      ...this.#user,
      Connector: AnnouncedConnector,
      ...(name === undefined ? {} : { connectionName: name }),
    };
    const others = new OtherShards(redis, all, onOpen);
    this.#others.set(redis, others);
    const look = (): void => others.look(this.shards?.primaries ?? []);
    redis.on('ready', look);
    look();
  }

  /** Leaves each connection for a new one, at once: the network is another one, or works again. */
  renew(): void {
    this.#cluster.renew();
    for (const redis of this.#connections) reconnectNow(redis);
  }

  closed(redis: FollowingRedis): void {
    this.#others.get(redis)?.look([]);
    this.#others.delete(redis);
    this.#connections.delete(redis);
    if (this.#connections.size === 0) this.#cluster.close();
  }

  /** Where a connection leads that is about to be made. */
  #find(lead: Lead): RedisPlace | Promise<RedisPlace> {
    const { next } = lead;
    lead.next = undefined;
    if (next !== undefined) return (lead.place = next);
    lead.asks = false;
    const { hosts } = this.#address;
    const host = hosts[this.#turn % hosts.length] ?? hosts[0];
    const found =
      this.#sentinels?.primary() ?? (this.#cluster.isFollowed ? this.#cluster.placeFor(host) : undefined);
    return found?.then((place) => (lead.place = place)) ?? (lead.place = this.#cluster.primary ?? host);
  }

  /** Whether a server is the right one, by what it says of itself. */
  #accepts(redis: FollowingRedis, info: Readonly<Record<string, string>>): boolean {
    const { place } = redis.lead;
    if (info['cluster_enabled'] === '1') {
      if (!this.#cluster.met(place, info['role'] === 'slave')) return true;
      reconnectNow(redis);
      return false;
    }
    const { role } = info;
    if (role === 'slave' && !this.isOne) {
      this.#turnFrom(place);
      redis.silentEmit('error', new Error('READONLY it is a replica'));
      return false;
    }
    // All connections lead to the primary that one of them has found.
    if (role === 'master')
      for (const other of this.#connections)
        if (other.status === 'ready' && !isSamePlace(other.lead.place, place)) reconnectNow(other);
    return true;
  }

  /** Whether a connection must be left for another one, after this answer to a command. */
  #leaves(lead: Lead, { message }: Error): boolean {
    const [word = '', slot = '', to = ''] = message.split(' ');
    if (word === 'READONLY') this.#turnFrom(lead.place);
    if (word !== 'MOVED' && word !== 'ASK') return word === 'READONLY';
    const { host, port } = placeOf(to);
    // Without a host: another port of the same one.
    const place = { host: host === '' ? lead.place.host : host, port };
    this.#cluster.moved(word, place);
    // With shards, the command of a pipeline, which goes to one server.
    if (Number(slot) !== this.streamSlot) return this.shards === undefined;
    lead.next = place;
    lead.asks = word === 'ASK';
    return true;
  }

  #turnFrom(place: RedisPlace): void {
    const { hosts } = this.#address;
    if (isSamePlace(place, hosts[this.#turn % hosts.length])) this.#turn += 1;
  }

  /** Leads each connection to where the stream is, after a look at the cluster. */
  #lead(primaries: readonly RedisPlace[], owner: RedisPlace | undefined): void {
    for (const redis of owner === undefined ? [] : this.#connections) {
      const { lead, status } = redis;
      if (isSamePlace(lead.place, owner)) lead.asks = false;
      // One that is being made finds its way by itself, and one that asks follows the stream already.
      else if (status === 'ready' && !lead.asks) reconnectNow(redis);
    }
    for (const others of this.#others.values()) others.look(primaries);
  }
}
