// The executors of the scaling figure: one waits without CPU time, one only uses CPU time.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Executor, ExecutionResult, NativeGateIR } from '../../src/index.ts';

export const TIMER_MS = 20;
export const CPU_MS = 5;

/** Like a device, or a simulator on another machine: the node waits for it. */
export function createTimer(): Executor {
  return {
    async run(ir, shots) {
      await sleep(TIMER_MS);
      return zeros(ir, shots, TIMER_MS);
    },
  };
}

/** Like a simulator in the node's own process, on its event loop. */
export function createCpu(): Executor {
  return {
    run(ir, shots) {
      // CPU time, not wall-clock time: a process that waits for a core does not compute.
      for (const from = process.cpuUsage(); cpuMs(from) < CPU_MS;) spin();
      return Promise.resolve(zeros(ir, shots, CPU_MS));
    },
  };
}

function spin(): void {
  let sum = 0;
  for (let i = 0; i < 5_000; i += 1) sum += Math.sqrt(i);
  if (sum < 0) throw new Error('never: keeps the loop from being left out');
}

function cpuMs(from: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(from);
  return (user + system) / 1000;
}

function zeros(ir: NativeGateIR, shots: number, executionTimeMs: number): ExecutionResult {
  return { counts: { ['0'.repeat(ir.measurements.length)]: shots }, executionTimeMs, shotsCompleted: shots };
}
