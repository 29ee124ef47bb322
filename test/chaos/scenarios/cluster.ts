// A cluster of three shards with a replica each: shards die and freeze, replicas take over, slots move, and all servers are gone
// at once, while jobs arrive and run.
import { setTimeout as sleep } from 'node:timers/promises';
import { streamKey } from '../../../src/protocol/keys.ts';
import { waitUntil } from '../../../src/testing/index.ts';
import {
  healed,
  moveSlot,
  ownerOf,
  replicated,
  revive,
  startCluster,
  type Member,
} from '../../scaling/topology.ts';
import { scenario } from '../scenario.ts';
import { STEADY_ENV, steadyUnderTrouble, type Trouble } from '../steady.ts';

const SHARDS = 3;

const HANDOVER_MS = 6_000;

export const cluster = scenario({
  name: 'cluster',
  promise:
    'the running job is not touched, jobs are taken again within 10 s, nothing lost, nothing run twice',
  long: { rounds: 30, mostAwayMs: 8_000, recoverSec: 10 },
  short: { rounds: 3, mostAwayMs: 500, recoverSec: 60 },
  redis: () => startCluster(SHARDS, { replicas: true }),
  async play(world, { rounds, mostAwayMs, recoverSec }, redis) {
    if (redis === undefined) throw new Error('no cluster');
    const { cloud, random } = world;
    const stream = streamKey(cloud.qpuId);
    const node = await world.startNode('node', STEADY_ENV);

    const isPrimary = async ({ admin }: Member): Promise<boolean> =>
      (await admin.info('replication').catch(() => '')).includes('role:master');
    /** The other member of its shard. */
    const partnerOf = (member: Member): Member => {
      const at = redis.members.indexOf(member);
      return redis.members[(at + SHARDS) % (2 * SHARDS)] ?? member;
    };
    const other = async (): Promise<Member> => {
      const owner = await ownerOf(redis, stream);
      const others: Member[] = [];
      for (const member of redis.members)
        if (member !== owner && (await isPrimary(member))) others.push(member);
      return random.pick(others);
    };
    const away = (): Promise<void> => sleep(random.between(50, mostAwayMs));
    const isLost = async (
      member: Member,
      lose: () => Promise<void>,
      bring: () => Promise<void>,
    ): Promise<void> => {
      await lose();
      await waitUntil('its replica taking over', () => isPrimary(partnerOf(member)), { timeoutMs: 60_000 });
      await away();
      await bring();
      await healed(redis);
    };
    const dies = (member: Member): Promise<void> =>
      isLost(
        member,
        () => member.server.kill(),
        () => revive(member, redis),
      );
    const freezes = (member: Member): Promise<void> =>
      isLost(
        member,
        () => member.server.kill('SIGSTOP'),
        () => member.server.kill('SIGCONT'),
      );
    const troubles: Trouble[] = [
      {
        name: 'the slot of the stream moved',
        async happen() {
          await moveSlot(redis, stream, await other(), away);
          await healed(redis);
        },
      },
      {
        name: 'the shard of the stream handed over to its replica',
        async happen() {
          const owner = await ownerOf(redis, stream);
          await replicated(owner);
          const replica = partnerOf(owner);
          let askedAt = -Infinity;
          // Redis gives a handover up after 5 s, for example if the others have not heard of a slot that has just moved.
          await waitUntil('the takeover', async () => {
            if (await isPrimary(replica)) return true;
            if (performance.now() - askedAt < HANDOVER_MS) return false;
            askedAt = performance.now();
            await replica.admin.call('CLUSTER', 'FAILOVER');
            return false;
          });
          await healed(redis);
        },
      },
      // What was not replicated yet is forgotten, also jobs.
      {
        name: 'the shard of the stream killed',
        losesJobs: true,
        happen: async () => dies(await ownerOf(redis, stream)),
      },
      { name: 'another shard killed', losesJobs: true, happen: async () => dies(await other()) },
      {
        name: 'the shard of the stream frozen',
        losesJobs: true,
        happen: async () => freezes(await ownerOf(redis, stream)),
      },
      { name: 'another shard frozen', losesJobs: true, happen: async () => freezes(await other()) },
      {
        name: 'all servers frozen',
        losesJobs: true,
        async happen() {
          for (const { server } of redis.members) await server.kill('SIGSTOP');
          await away();
          for (const { server } of redis.members) await server.kill('SIGCONT');
          await healed(redis);
        },
      },
      {
        name: 'all servers killed, and back without their data',
        losesJobs: true,
        async happen() {
          await Promise.all(redis.members.map(({ server }) => server.kill()));
          await away();
          await Promise.all(redis.members.map((member) => revive(member, redis)));
          await healed(redis);
        },
      },
    ];
    await steadyUnderTrouble(world, node, { rounds, troubles, recoverSec });
  },
});
