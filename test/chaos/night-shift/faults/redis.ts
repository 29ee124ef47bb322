// Redis is away, full, frozen, slow, replaced by another server, or holds keys of another type.
import { groupName, statusKey, streamKey } from '../../../../src/protocol/keys.ts';
import { NOTHING, type Fault } from '../fault.ts';
import { EVERYWHERE } from '../place.ts';
import { loadingRedis } from '../loading-redis.ts';
import { PASSWORD, type Night } from '../night.ts';

const WAITS = /by itself|waits? for|network/i;
const NO_RESET = /coda reset|reset it|(new|another|fresh) token|ask for the rights/i;

function serverOf({ world }: Night): NonNullable<typeof world.cloud.redisServer> {
  const { redisServer } = world.cloud;
  if (redisServer === undefined) throw new Error('the cloud has no Redis of its own');
  return redisServer;
}

const stream = ({ world }: Night): string => streamKey(world.cloud.qpuId);

const giveBackPassword = (night: Night): Promise<void> => night.acl('resetpass', `>${PASSWORD}`);

export const REDIS_FAULTS: readonly Fault[] = [
  {
    name: 'Redis down at the start',
    node: 'waits',
    inject: (night) => night.redisWay.refuse(),
    heal: (night) => night.redisWay.heal(),
    cause: /Redis.*(ECONNREFUSED|refused)/i,
    remedy: WAITS,
    where: EVERYWHERE,
  },
  {
    name: 'Redis killed and restarted empty',
    async inject(night) {
      // Nobody may reach it before it is restarted with its users.
      await night.redisWay.refuse();
      await serverOf(night).kill();
    },
    async heal(night) {
      await serverOf(night).restart();
      await night.grantUser();
      await night.redisWay.heal();
    },
    cause: /Redis.*(ECONNREFUSED|refused)/i,
    remedy: WAITS,
    where: EVERYWHERE,
    losesJobs: true,
  },
  {
    name: 'wrong password at the start',
    node: 'waits',
    inject: (night) => night.acl('resetpass', '>changed'),
    heal: giveBackPassword,
    cause: /WRONGPASS|password/i,
    remedy: /password/i,
    where: EVERYWHERE,
  },
  {
    name: 'password changed while it runs',
    async inject(night) {
      await night.acl('resetpass', '>changed');
      night.redisWay.cut();
    },
    heal: giveBackPassword,
    cause: /WRONGPASS|password/i,
    remedy: /password/i,
    where: EVERYWHERE,
  },
  {
    name: 'Redis out of memory (maxmemory 1mb)',
    inject: (night) => night.redis.config('SET', 'maxmemory', '1mb'),
    heal: (night) => night.redis.config('SET', 'maxmemory', '0'),
    cause: /OOM|maxmemory|out of memory/i,
    remedy: /maxmemory|(more|free|frees?) (its )?memory/i,
    where: EVERYWHERE,
  },
  {
    name: 'the stream key is of another type',
    inject: (night) => night.redis.multi().del(stream(night)).set(stream(night), 'a note').exec(),
    heal: (night) => night.redis.del(stream(night)),
    cause: /(type|string)[^\n]*qpu:[\w-]+:jobs|qpu:[\w-]+:jobs[^\n]*(type|string)/i,
    remedy: /delete|remove|rename/i,
    never: NO_RESET,
    where: EVERYWHERE,
    losesJobs: true,
  },
  {
    name: 'the status key of a job is of another type',
    inject: (night) => night.redis.set(statusKey(night.nextJob('job', 5)), 'a note'),
    heal: (night) => night.redis.del(...night.world.jobs.map(statusKey)),
    cause: /WRONGTYPE|(another|wrong) type/i,
    remedy: /qpu:job:|delete|remove|rename|type/i,
    never: NO_RESET,
    where: ['log'],
    losesStates: true,
  },
  {
    name: 'the consumer group is destroyed',
    inject: (night) => night.redis.xgroup('DESTROY', stream(night), groupName(night.world.cloud.qpuId)),
    heal: byItself,
    cause: /group/i,
    remedy: /creat|again/i,
    where: ['log'],
    losesJobs: true,
  },
  {
    name: 'FLUSHALL',
    inject: (night) => night.redis.flushall(),
    heal: byItself,
    cause: /group|stream/i,
    remedy: /creat|again/i,
    where: ['log'],
    losesJobs: true,
  },
  {
    name: 'Redis is a replica (READONLY)',
    inject: (night) => night.redis.call('REPLICAOF', '127.0.0.1', '1'),
    heal: (night) => night.redis.call('REPLICAOF', 'NO', 'ONE'),
    cause: /READONLY|replica/i,
    remedy: /primary|failover/i,
    where: EVERYWHERE,
  },
  {
    name: 'Redis loads its data (LOADING)',
    async inject(night) {
      night.redisWay.leadTo(await loadingRedis(night));
      night.redisWay.cut();
    },
    heal(night) {
      night.redisWay.leadTo(night.redisPort);
      night.redisWay.cut();
    },
    cause: /LOADING|loads its data|is loading/i,
    remedy: WAITS,
    where: EVERYWHERE,
  },
  {
    name: 'too many clients (maxclients)',
    async inject(night) {
      await night.redis.config('SET', 'maxclients', '1');
      night.redisWay.cut();
    },
    heal: (night) => night.redis.config('SET', 'maxclients', '10000'),
    cause: /max(imum)? number of clients|maxclients/i,
    remedy: /maxclients|connections/i,
    where: EVERYWHERE,
  },
  {
    name: 'Redis is frozen (SIGSTOP)',
    inject: (night) => serverOf(night).kill('SIGSTOP'),
    heal: (night) => serverOf(night).kill('SIGCONT'),
    cause: /Redis.*(does not answer|no answer|time(d )?out)/i,
    remedy: WAITS,
    where: EVERYWHERE,
  },
  {
    name: 'a slow link to Redis and to the cloud',
    node: 'waits',
    inject({ redisWay, api }) {
      for (const way of [redisWay, api]) way.set({ kind: 'delay', ms: 300 });
    },
    heal: ({ redisWay, api }) => Promise.all([redisWay.heal(), api.heal()]),
    cause: NOTHING,
    remedy: NOTHING,
    where: [],
    flows: true,
  },
];

/** The node repairs it by itself. */
function byItself(): void {}
