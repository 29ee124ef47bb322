// The hook `prepare` of one job: plugins may change its circuit, or refuse it.
import { JobError } from '../errors.ts';
import type { Hooks } from '../hooks.ts';
import type { Circuit, PreparingJob } from '../jobs/job.ts';
import { copyIr, viewOf } from '../jobs/job-view.ts';
import { Failure } from './failure.ts';

/** The circuit that is to run, or why none is. Never rejects. */
export async function prepareCircuit(hooks: Hooks, job: PreparingJob): Promise<Circuit | Failure> {
  const { circuit } = job;
  const view = viewOf(job);
  const { ir } = view;
  try {
    const prepared = (await hooks.prepare.promise(ir, view)) ?? ir;
    if (prepared === ir) return circuit;
    // Not frozen: an executor that changes its circuit works with and without such a plugin.
    const own = copyIr(prepared, (part) => part);
    return { ir: own, shots: circuit.shots, bits: circuit.ir.measurements.length };
  } catch (thrown) {
    const where = 'while plugins prepared it';
    return thrown instanceof JobError
      ? new Failure(where, thrown, thrown.message)
      : new Failure(where, thrown);
  }
}
