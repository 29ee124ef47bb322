// The node's user of Redis lacks one right. The remedy names the command, so that it can be passed on as it is.
import { groupName, streamKey } from '../../../../src/protocol/keys.ts';
import type { Fault } from '../fault.ts';
import { EVERYWHERE, type Place } from '../place.ts';

/** Without these rights no job is read, or no job can end. */
const VITAL = ['xreadgroup', 'xack'] as const;
/** Without these rights jobs still run, but something else fails: states, cancels, taking over the jobs of a dead node. */
const OTHERS = ['hset', 'hmget', 'exists', 'xautoclaim', 'xpending', 'xclaim'] as const;

export const RIGHTS_FAULTS: readonly Fault[] = [
  ...VITAL.map((command) => missingRight(command, EVERYWHERE)),
  ...OTHERS.map((command) => missingRight(command, ['status', 'doctor', 'log'])),
  {
    ...missingRight('xgroup', EVERYWHERE),
    async inject(night) {
      await night.acl('-xgroup');
      const { qpuId } = night.world.cloud;
      await night.redis.xgroup('DESTROY', streamKey(qpuId), groupName(qpuId));
    },
    losesJobs: true,
  },
  {
    name: 'missing right: CLIENT TRACKING',
    inject: async (night) => {
      await night.acl('-client|tracking');
      night.redisWay.cut();
    },
    heal: (night) => night.acl('+client|tracking'),
    cause: /tracking/i,
    remedy: /CLIENT TRACKING/,
    where: ['doctor', 'log'],
    // Cancels are polled for.
    flows: true,
  },
];

function missingRight(command: string, where: readonly Place[]): Fault {
  return {
    name: `missing right: ${command}`,
    // A short lease: the node then looks for jobs of dead nodes all the time.
    prepare: ({ node }) => void (node.env['CODA_LEASE_SEC'] = '1'),
    inject: (night) => night.acl(`-${command}`),
    heal: (night) => night.acl(`+${command}`),
    cause: new RegExp(
      `(NOPERM|right|permission|allowed)[^\\n]*${command}|${command}[^\\n]*(NOPERM|right|permission|allowed)`,
      'i',
    ),
    remedy: new RegExp(`ACL|\\+${command}|right|allow`, 'i'),
    where,
  };
}
