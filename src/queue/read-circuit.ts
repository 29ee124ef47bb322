// Reads the circuit and the shots of a job's message. What is wrong with them is the job's outcome, not an error here.
import { messageOf } from '../errors.ts';
import type { Circuit } from '../jobs/job.ts';
import { parseIr, parseIrInSteps, type NativeGateIR } from '../protocol/ir.ts';
import { parseShots, type JobMessage } from '../protocol/job.ts';

export type ReadCircuit = Circuit | { readonly fault: string };

/** With `keepsText`, the circuit has its text too. */
export function readCircuit({ shots, irJson }: JobMessage, keepsText: boolean): ReadCircuit {
  try {
    return circuitOf(parseShots(shots), parseIr(irJson), keepsText ? irJson : undefined);
  } catch (thrown) {
    return { fault: messageOf(thrown) };
  }
}

/** As `readCircuit`, for a large one. */
export function* readCircuitInSteps(
  { shots, irJson }: JobMessage,
  keepsText: boolean,
): Generator<undefined, ReadCircuit> {
  try {
    return circuitOf(parseShots(shots), yield* parseIrInSteps(irJson), keepsText ? irJson : undefined);
  } catch (thrown) {
    return { fault: messageOf(thrown) };
  }
}

function circuitOf(shots: number, ir: NativeGateIR, irJson: string | undefined): Circuit {
  return irJson === undefined ? { shots, ir } : { shots, ir, irJson };
}
