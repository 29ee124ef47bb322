// Reads the circuit and the shots of a job's message. What is wrong with them is the job's outcome, not an error here.
import { messageOf } from '../errors.ts';
import type { Circuit } from '../jobs/job.ts';
import { parseIr, parseIrInSteps } from '../protocol/ir.ts';
import { parseShots, type JobMessage } from '../protocol/job.ts';

export type ReadCircuit = Circuit | { readonly fault: string };

export function readCircuit({ shots, irJson }: JobMessage): ReadCircuit {
  try {
    return { shots: parseShots(shots), ir: parseIr(irJson) };
  } catch (thrown) {
    return { fault: messageOf(thrown) };
  }
}

/** As `readCircuit`, for a large one. */
export function* readCircuitInSteps({ shots, irJson }: JobMessage): Generator<undefined, ReadCircuit> {
  try {
    return { shots: parseShots(shots), ir: yield* parseIrInSteps(irJson) };
  } catch (thrown) {
    return { fault: messageOf(thrown) };
  }
}
