// The machine on which the figures were taken. Without it they mean nothing.
import { statfsSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem, type as systemType } from 'node:os';
import type { Lab } from './lab/lab.ts';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly node: string;
  readonly redis: string;
  readonly system: string;
  /** The file system of the node's state: in memory, an fsync costs nothing. */
  readonly stateOn: string;
  /** Load of the minute before the run. Above 0.3 or so, something else was running. */
  readonly loadBefore: number;
}

const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  0xef53: 'ext4',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x794c7630: 'overlayfs',
  0x01021994: 'tmpfs (in memory: fsync is free)',
};

export async function machineOf(lab: Lab): Promise<Machine> {
  const server = await lab.redis.info('server');
  const { type } = statfsSync(lab.folder);
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    redis: /redis_version:(\S+)/.exec(server)?.[1] ?? 'unknown',
    system: `${systemType()} ${release()}`,
    stateOn: FILE_SYSTEMS[type] ?? `file system 0x${type.toString(16)}`,
    loadBefore: loadavg()[0] ?? NaN,
  };
}

export function machineLine(machine: Machine): string {
  const { cpu, cores, memoryGb, node, redis, system, stateOn, loadBefore } = machine;
  const hardware = `${cpu}, ${cores} cores, ${memoryGb} GB`;
  return `${hardware}; Node ${node}, Redis ${redis}, ${system}; state on ${stateOn}; load before: ${loadBefore.toFixed(2)}`;
}
