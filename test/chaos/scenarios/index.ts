// All scenarios, in the order of the table that `npm run test:chaos` prints.
import { backlog } from './backlog.ts';
import { cancelRace } from './cancel-race.ts';
import { cluster } from './cluster.ts';
import { diskFull } from './disk-full.ts';
import { nightShift } from '../night-shift/index.ts';
import { kill9 } from './kill-9.ts';
import { network } from './network.ts';
import { python } from './python.ts';
import { pythonDriver } from './python-driver.ts';
import { redisTrouble } from './redis-trouble.ts';
import { twoNodes, twoNodesWithCopies } from './two-nodes.ts';
import { webhookOutage } from './webhook-outage.ts';

export const SCENARIOS = [
  kill9,
  python,
  pythonDriver,
  webhookOutage,
  redisTrouble,
  cluster,
  network,
  diskFull,
  twoNodes,
  twoNodesWithCopies,
  cancelRace,
  backlog,
  nightShift,
] as const;
