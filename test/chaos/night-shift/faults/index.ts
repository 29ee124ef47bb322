// All faults of the night shift, in the order of the table.
import type { Fault } from '../fault.ts';
import { CLOUD_FAULTS } from './cloud.ts';
import { CONFIG_FAULTS } from './config.ts';
import { DISK_FAULTS } from './disk.ts';
import { EXECUTOR_FAULTS } from './executor.ts';
import { PROCESS_FAULTS } from './process.ts';
import { REDIS_FAULTS } from './redis.ts';
import { RIGHTS_FAULTS } from './redis-rights.ts';
import { TLS_FAULTS } from './redis-tls.ts';

export const FAULTS: readonly Fault[] = [
  ...REDIS_FAULTS,
  ...TLS_FAULTS,
  ...RIGHTS_FAULTS,
  ...CLOUD_FAULTS,
  ...DISK_FAULTS,
  ...EXECUTOR_FAULTS,
  ...PROCESS_FAULTS,
  ...CONFIG_FAULTS,
];
