// A Redis in memory, with the commands and options that a node uses and no others. test/schedules/redis.test.ts plays the
// same commands on a real server.
export interface Given {
  consumer: string;
  /** When it was last delivered, claimed or renewed. */
  at: number;
  deliveries: number;
}

export interface Group {
  readTo: number;
  readonly pending: Map<number, Given>;
  readonly consumers: Set<string>;
}

export interface Stream {
  last: number;
  readonly entries: Map<number, readonly string[]>;
  readonly groups: Map<string, Group>;
}

interface Data {
  readonly streams: Map<string, Stream>;
  readonly hashes: Map<string, Map<string, string>>;
  readonly texts: Map<string, string>;
}

export type Reply = string | number | null | readonly Reply[];

/** The reply of a read that waits for an entry. */
export const WAITS = Symbol('waits');

export class ErrorReply extends Error {}

type Args = readonly string[];

export class RedisServer {
  #data: Data = { streams: new Map(), hashes: new Map(), texts: new Map() };
  #saved: Data | undefined;
  #first = 0;
  readonly #now: () => number;
  /** When the command that is being handled was sent. */
  sentAt = 0;
  /** Called when an entry changes hands. */
  onClaimed: (id: number, from: string, to: string, idleMs: number) => void = () => {};

  constructor(now: () => number) {
    this.#now = now;
  }

  get data(): Data {
    return this.#data;
  }

  /** What is written from here on is lost with `forget`. */
  save(): void {
    this.#saved = copyOf(this.#data);
  }

  /** An id is not given twice: it has the time in it. With `givesIdsAgain` the clock was set back, too. */
  forget({ givesIdsAgain = false } = {}): void {
    const last = Math.max(this.#first, ...[...this.#data.streams.values()].map((stream) => stream.last));
    this.#data = this.#saved ?? { streams: new Map(), hashes: new Map(), texts: new Map() };
    if (!givesIdsAgain) this.#first = last;
    this.save();
  }

  nextId(stream: Stream): number {
    return Math.max(stream.last, this.#first) + 1;
  }

  /** Throws an ErrorReply. */
  handle(name: string, args: Args): Reply | typeof WAITS {
    const command = COMMANDS[name.toLowerCase()];
    if (command === undefined) throw new ErrorReply(`ERR unknown command '${name}'`);
    return command(this, args);
  }

  get now(): number {
    return this.#now();
  }

  streamOf(key: string): Stream | undefined {
    return this.#data.streams.get(key);
  }

  groupOf(key: string, name: string): { stream: Stream; group: Group } {
    const stream = this.streamOf(key);
    const group = stream?.groups.get(name);
    if (stream === undefined || group === undefined)
      throw new ErrorReply(`NOGROUP No such key '${key}' or consumer group '${name}'`);
    return { stream, group };
  }
}

function copyOf({ streams, hashes, texts }: Data): Data {
  const copyGroup = ({ readTo, pending, consumers }: Group): Group => ({
    readTo,
    pending: new Map([...pending].map(([id, given]) => [id, { ...given }])),
    consumers: new Set(consumers),
  });
  return {
    streams: new Map(
      [...streams].map(([key, { last, entries, groups }]) => [
        key,
        {
          last,
          entries: new Map(entries),
          groups: new Map([...groups].map(([name, group]) => [name, copyGroup(group)])),
        },
      ]),
    ),
    hashes: new Map([...hashes].map(([key, hash]) => [key, new Map(hash)])),
    texts: new Map(texts),
  };
}

/** Ids of the world are `1-0`, `2-0`, … */
const idText = (id: number): string => `${id}-0`;
const idOf = (text: string): number => Number.parseInt(text, 10);

const COMMANDS: Readonly<Record<string, (server: RedisServer, args: Args) => Reply | typeof WAITS>> = {
  ping: () => 'PONG',

  xadd: (server, [key = '', , ...fields]) => {
    const { streams } = server.data;
    const stream: Stream = streams.get(key) ?? { last: 0, entries: new Map(), groups: new Map() };
    streams.set(key, stream);
    stream.last = server.nextId(stream);
    stream.entries.set(stream.last, fields);
    return idText(stream.last);
  },

  xdel: (server, [key = '', id = '']) => Number(server.streamOf(key)?.entries.delete(idOf(id)) ?? false),

  xgroup: (server, [, key = '', name = '']) => {
    const { streams } = server.data;
    const stream: Stream = streams.get(key) ?? { last: 0, entries: new Map(), groups: new Map() };
    if (stream.groups.has(name)) throw new ErrorReply('BUSYGROUP Consumer Group name already exists');
    stream.groups.set(name, { readTo: 0, pending: new Map(), consumers: new Set() });
    streams.set(key, stream);
    return 'OK';
  },

  xreadgroup: (server, args) => {
    const [, name = '', consumer = ''] = args;
    const key = args.at(-2) ?? '';
    const { stream, group } = server.groupOf(key, name);
    group.consumers.add(consumer);
    const count = Number(args[args.indexOf('COUNT') + 1]);
    const found = [...stream.entries].filter(([id]) => id > group.readTo).slice(0, count);
    if (found.length === 0) return args.includes('BLOCK') ? WAITS : null;
    for (const [id] of found) {
      group.readTo = id;
      group.pending.set(id, { consumer, at: server.now, deliveries: 1 });
    }
    return [[key, found.map(([id, fields]) => [idText(id), fields])]];
  },

  xack: (server, [key = '', name = '', ...ids]) => {
    const group = server.streamOf(key)?.groups.get(name);
    return ids.filter((id) => group?.pending.delete(idOf(id))).length;
  },

  xpending: (server, [key = '', name = '', ...rest]) => {
    const { group } = server.groupOf(key, name);
    const idleMs = rest[0] === 'IDLE' ? Number(rest[1]) : 0;
    const [from = '-', to = '+', count = '', consumer] = rest[0] === 'IDLE' ? rest.slice(2) : rest;
    const isAfter = from.startsWith('(');
    const first = from === '-' ? 0 : idOf(isAfter ? from.slice(1) : from) + Number(isAfter);
    const last = to === '+' ? Infinity : idOf(to);
    return pendingOf(group)
      .filter(([id]) => id >= first && id <= last)
      .filter(([, given]) => consumer === undefined || given.consumer === consumer)
      .filter(([, given]) => server.now - given.at >= idleMs)
      .slice(0, Number(count))
      .map(([id, given]) => [idText(id), given.consumer, server.now - given.at, given.deliveries]);
  },

  xclaim: (server, [key = '', name = '', consumer = '', minIdle = '', ...rest]) => {
    const { stream, group } = server.groupOf(key, name);
    const ids = rest.filter((text) => /^\d+-0$/.test(text)).map(idOf);
    const at = rest.indexOf('RETRYCOUNT');
    const justId = rest.includes('JUSTID');
    group.consumers.add(consumer);
    return ids.flatMap((id) => {
      const deliveries = at === -1 ? undefined : Number(rest[at + 1]);
      const claimed = claim(server, stream, group, id, consumer, Number(minIdle));
      if (claimed === undefined) return [];
      if (deliveries !== undefined) claimed.deliveries = deliveries;
      else if (!justId) claimed.deliveries += 1;
      return [justId ? idText(id) : [idText(id), stream.entries.get(id) ?? null]];
    });
  },

  /** From the first entry, with JUSTID, all in one answer. */
  xautoclaim: (server, [key = '', name = '', consumer = '', minIdle = '']) => {
    const { stream, group } = server.groupOf(key, name);
    group.consumers.add(consumer);
    const before = pendingOf(group);
    const deleted = before.filter(([id]) => !stream.entries.has(id));
    const claimed = before.filter(
      ([id]) => claim(server, stream, group, id, consumer, Number(minIdle)) !== undefined,
    );
    return ['0-0', claimed.map(([id]) => idText(id)), deleted.map(([id]) => idText(id))];
  },

  xinfo: (server, [what = '', key = '', name = '']) => {
    const stream = server.streamOf(key);
    if (stream === undefined) throw new ErrorReply('ERR no such key');
    if (what.toUpperCase() === 'CONSUMERS') {
      return [...server.groupOf(key, name).group.consumers].toSorted().map((consumer) => ['name', consumer]);
    }
    return [...stream.groups].map(([groupName, { pending }]) => ['name', groupName, 'pending', pending.size]);
  },

  xrange: (server, [key = '', id = '']) => {
    const fields = server.streamOf(key)?.entries.get(idOf(id));
    return fields === undefined ? [] : [[idText(idOf(id)), fields]];
  },

  hset: (server, [key = '', ...fields]) => {
    const { hashes } = server.data;
    const hash = hashes.get(key) ?? new Map<string, string>();
    hashes.set(key, hash);
    const before = hash.size;
    for (let i = 0; i < fields.length; i += 2) hash.set(fields[i] ?? '', fields[i + 1] ?? '');
    return hash.size - before;
  },

  hget: (server, [key = '', field = '']) => server.data.hashes.get(key)?.get(field) ?? null,

  hmget: (server, [key = '', ...fields]) =>
    fields.map((field) => server.data.hashes.get(key)?.get(field) ?? null),

  set: (server, [key = '', text = '']) => {
    server.data.texts.set(key, text);
    return 'OK';
  },

  get: (server, [key = '']) => server.data.texts.get(key) ?? null,

  strlen: (server, [key = '']) => Buffer.byteLength(server.data.texts.get(key) ?? ''),

  del: (server, [key = '']) => Number(server.data.texts.delete(key)),

  exists: (server, keys) => keys.filter((key) => server.data.texts.has(key)).length,
};

/** In the order of their ids: in that order they were read. */
function pendingOf({ pending }: Group): [number, Given][] {
  return [...pending];
}

/** Gives a pending entry to a consumer, unless it is not idle for that long. One that was deleted is forgotten however
 *  long it is idle, as from Redis 7 on. */
function claim(
  server: RedisServer,
  stream: Stream,
  group: Group,
  id: number,
  consumer: string,
  minIdle: number,
): Given | undefined {
  const given = group.pending.get(id);
  if (given === undefined) return undefined;
  if (!stream.entries.has(id)) {
    group.pending.delete(id);
    return undefined;
  }
  if (server.now - given.at < minIdle) return undefined;
  if (given.consumer !== consumer) server.onClaimed(id, given.consumer, consumer, server.now - given.at);
  given.consumer = consumer;
  given.at = server.now;
  return given;
}
