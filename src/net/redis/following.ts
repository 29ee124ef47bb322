// A connection to Redis that may be one of a cluster's: it leads to the shard of the stream, and sends commands with other
// keys to their shards. With a single server it is a connection like any other.
import type { Socket } from 'node:net';
import { Redis, type Command, type RedisOptions } from 'ioredis';
import type { RedisPlace } from '../../protocol/urls.ts';
import type { Shards, UnreachableShard } from './shards.ts';

export type ConnectionOptions = Omit<RedisOptions, 'replyMapping'>;

/** What a connection and those who lead it share. */
export interface Lead {
  /** Where it leads, or led last. */
  place: RedisPlace;
  /** Where it must lead next, as the server said that it leads to. */
  next: RedisPlace | undefined;
  /** The stream is on its way to this server, which takes commands for it only if each asks for that. */
  asks: boolean;
}

/** Who names a place that the URL does not have. */
export type Announcer = 'the cluster' | 'the Sentinel';

/** What connections know of the servers behind their URL. */
export interface Surroundings {
  /** Undefined unless the keys are spread over several servers. */
  readonly shards: Shards | undefined;
  /** Undefined if no connection has to lead to a shard of its own. */
  readonly streamSlot: number | undefined;
  /** A shard that cannot be reached, if there is one besides that of the stream: the connections themselves tell of that. */
  readonly unreachable: UnreachableShard | undefined;
  /** Who has named this place, if the URL does not. */
  announcerOf(place: RedisPlace): Announcer | undefined;
  onOtherShards(
    redis: FollowingRedis,
    options: ConnectionOptions,
    onOpen: (redis: Redis) => () => void,
  ): void;
  /** The connection is closed for good. */
  closed(redis: FollowingRedis): void;
}

export function leadTo(place: RedisPlace): Lead {
  return { place, next: undefined, asks: false };
}

const NONE: readonly Socket[] = [];

export class FollowingRedis extends Redis {
  readonly lead: Lead;
  readonly #around: Surroundings;

  constructor(options: ConnectionOptions, lead: Lead, around: Surroundings) {
    super(options);
    this.lead = lead;
    this.#around = around;
    // ioredis would go on with the database 0, which has other jobs. One without the check has no jobs.
    this.on('error', (error: Error) => {
      if (isOfSelect(error) && this.options.enableReadyCheck !== false) this.stream.destroy();
    });
  }

  /** Whether keys may be on several servers: no command may have two of them. */
  get hasShards(): boolean {
    return this.#around.shards !== undefined;
  }

  get isShardDown(): boolean {
    return this.#around.unreachable !== undefined;
  }

  get announcer(): Announcer | undefined {
    return this.#around.announcerOf(this.lead.place);
  }

  /** The sockets over which commands with other keys than the stream's go. */
  shardStreams(): readonly Socket[] {
    return this.#around.shards?.streams() ?? NONE;
  }

  onOtherShards(options: ConnectionOptions, onOpen: (redis: Redis) => () => void): void {
    this.#around.onOtherShards(this, options, onOpen);
  }

  override disconnect(reconnect?: boolean): void {
    super.disconnect(reconnect);
    if (reconnect !== true) this.#around.closed(this);
  }

  override sendCommand(command: Command, stream?: Parameters<Redis['sendCommand']>[1]): unknown {
    const { shards, streamSlot } = this.#around;
    if (shards === undefined && !this.lead.asks) return super.sendCommand(command, stream);
    const slot: number | null = command.getSlot();
    if (slot === null) return super.sendCommand(command, stream);
    // Commands of a pipeline are written together.
    if (shards !== undefined && slot !== streamSlot && stream === undefined) return shards.send(command);
    if (this.lead.asks) void this.asking().catch(() => {});
    return super.sendCommand(command, stream);
  }
}

/** Whether Redis has refused the database of the URL. */
function isOfSelect(error: Error & { readonly command?: { readonly name: string } }): boolean {
  return error.command?.name === 'select';
}
