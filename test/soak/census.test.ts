// What stays in the node's memory after many events of one kind: its objects are counted by their kind, before and after.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Redis } from 'ioredis';
import { openRedis } from '../../src/net/redis.ts';
import { bell, waitUntil } from '../../src/testing/index.ts';
import { World } from '../chaos/world.ts';
import { CENSUS_PATHS } from './node/census.ts';
import { openStage, type Stage } from './stage.ts';

const EVENTS = 40;
/** So many come first: what is made once is there then. */
const FIRST = 4;
/** Some are there by chance: of a connection that is kept open, or of what a slow machine makes happen for the first time. */
const MOST_MORE = 30;
const MOST_LOOKS = 8;
const OWN_CONNECTIONS = /^(census|soak|coda-local-cloud)$/;

describe('what stays in memory', () => {
  let world: World;
  let stage: Stage;
  let redis: Redis;
  before(async () => {
    world = await World.open(1);
    stage = await openStage(world, { mostJobs: 1, calmMs: () => Infinity, plugins: ['census.js'] });
    redis = openRedis({ url: stage.cloud.redisUrl, name: 'census', env: {} });
    world.onClose(() => redis.disconnect());
  });
  after(() => world.close());

  it(`is no more after ${EVENTS} times: cut from Redis, the network changed, the page opened, metrics scraped, a circuit run by the operator`, async () => {
    const ir = encodeURIComponent(JSON.stringify(bell('cz').ir));
    // Each must have been whole when it resolves.
    const events: readonly (() => Promise<void>)[] = [
      () => reconnected(() => Promise.resolve(stage.redisProxy.cut())),
      () => reconnected(() => get(CENSUS_PATHS.renew)),
      async () => {
        const closing = new AbortController();
        await fetch(`${stage.node.url}/page/events`, { signal: closing.signal });
        closing.abort();
      },
      () => get('/metrics'),
      () => get(`${CENSUS_PATHS.local}?ir=${ir}`),
    ];
    for (const happen of events) await repeat(FIRST, happen);
    const earlier = await census('before');
    for (const happen of events) await repeat(EVENTS, happen);
    let grown: string[] = [];
    // What belongs to something under way is gone at one of the next looks; what has leaked is not.
    for (let looks = 0; looks < MOST_LOOKS; looks += 1) {
      grown = grownBetween(earlier, await census('after'));
      if (grown.length === 0) break;
    }
    assert.deepEqual(grown, []);
  });

  /** Objects of each kind that the node has. */
  async function census(name: string): Promise<ReadonlyMap<string, number>> {
    const path = join(world.folder, `${name}.heapsnapshot`);
    await get(`${CENSUS_PATHS.snapshot}?path=${encodeURIComponent(path)}`);
    return kindsIn(JSON.parse(readFileSync(path, 'utf8')) as Snapshot);
  }

  /** Resolves when each connection of the node to Redis is another one than before, and the node takes jobs. */
  async function reconnected(act: () => Promise<unknown>): Promise<void> {
    const earlier = await connections();
    await act();
    await waitUntil('new connections', async () => {
      const now = await connections();
      return [...earlier].every(([name, id]) => (now.get(name) ?? id) !== id);
    });
    await waitUntil('being ready', async () => (await stage.node.ready())?.reasons.length === 0);
  }

  /** By name: the id of the newest. */
  async function connections(): Promise<ReadonlyMap<string, string>> {
    const lines = String(await redis.client('LIST'))
      .trim()
      .split('\n');
    return new Map(
      lines.flatMap((line) => {
        const [, id = '', name = ''] = /^id=(\d+) .*?\bname=(\S+)/.exec(line) ?? [];
        return name === '' || OWN_CONNECTIONS.test(name) ? [] : [[name, id] as const];
      }),
    );
  }

  async function get(path: string): Promise<void> {
    const answer = await fetch(`${stage.node.url}${path}`);
    const text = await answer.text();
    assert.ok(answer.ok, `${path}: ${answer.status} ${text}`);
  }
});

async function repeat(times: number, happen: () => Promise<void>): Promise<void> {
  for (let i = 0; i < times; i += 1) await happen();
}

function grownBetween(earlier: ReadonlyMap<string, number>, later: ReadonlyMap<string, number>): string[] {
  return [...later].flatMap(([kind, count]) => {
    const more = count - (earlier.get(kind) ?? 0);
    return more > MOST_MORE ? [`${more} more: ${kind}`] : [];
  });
}

/** As Node.js writes it: lists of numbers, of which so many belong to one node. */
interface Snapshot {
  readonly snapshot: {
    readonly meta: {
      readonly node_fields: readonly string[];
      readonly node_types: readonly [readonly string[], ...unknown[]];
    };
  };
  readonly nodes: readonly number[];
  readonly strings: readonly string[];
}

/** What JavaScript code makes, by its class; not what the engine keeps of the code. */
const TYPES = new Set(['object', 'closure', 'native', 'regexp']);
/** Those without a class are left out: the page keeps the last runs in them, and the engine one for each literal in the code. */
const PLAIN = /^object (Object|Array)$/;

function kindsIn({ snapshot: { meta }, nodes, strings }: Snapshot): Map<string, number> {
  const [types] = meta.node_types;
  const [typeAt, nameAt] = [meta.node_fields.indexOf('type'), meta.node_fields.indexOf('name')];
  const kinds = new Map<string, number>();
  for (let at = 0; at < nodes.length; at += meta.node_fields.length) {
    const type = types[nodes[at + typeAt] ?? -1] ?? '';
    const kind = `${type} ${strings[nodes[at + nameAt] ?? -1]}`;
    if (!TYPES.has(type) || PLAIN.test(kind)) continue;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  return kinds;
}
