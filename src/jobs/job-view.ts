// A job as plugins see it: frozen, made once a job and only if a hook is tapped. What a plugin does to it changes nothing.
import { messageOf } from '../errors.ts';
import { validateIr, type NativeGateIR } from '../protocol/ir.ts';
import { annotated, NO_ANNOTATIONS } from './annotations.ts';
import type { HeldJob, Job, ReadyJob } from './job.ts';

/** A held job whose circuit has been read. */
export type JobWithCircuit = HeldJob & Pick<ReadyJob, 'circuit'>;

export function viewOf(job: JobWithCircuit): Job {
  return (job.view ??= newView(job));
}

function newView(job: JobWithCircuit): Job {
  let seen: NativeGateIR | undefined;
  let copy: NativeGateIR | undefined;
  return Object.freeze<Job>({
    jobId: job.jobId,
    messageId: job.messageIds[0],
    callbackUrl: job.callbackUrl,
    shots: job.circuit.shots,
    // A copy, and made only if somebody reads it: the executor has the circuit itself, which may be large.
    get ir() {
      const { ir } = job.circuit;
      if (copy === undefined || seen !== ir) copy = copyIr(ir, Object.freeze);
      seen = ir;
      return copy;
    },
    get annotations() {
      return job.annotations ?? NO_ANNOTATIONS;
    },
    annotate(key, value) {
      const annotations = annotated(job.annotations ?? NO_ANNOTATIONS, key, value);
      job.onAnnotated?.(annotations);
      job.annotations = annotations;
    },
  });
}

/** A copy of a circuit, its parts finished by `finish`, which may freeze them. */
export function copyIr(ir: NativeGateIR, finish: <T extends object>(part: T) => Readonly<T>): NativeGateIR {
  const gates = ir.gates.map(({ gate, qubits, params }) =>
    finish({ gate, qubits: finish([...qubits]), params: finish([...params]) }),
  );
  return finish({
    ...ir,
    gates: finish(gates),
    measurements: finish([...ir.measurements]),
    metadata: finish({ ...ir.metadata }),
  });
}

/** The circuit that a tap of `prepare` answered with, checked, as a frozen copy. Throws a TypeError. */
export function takeCircuit(answer: unknown): NativeGateIR {
  let circuit: NativeGateIR;
  try {
    circuit = validateIr(answer);
  } catch (cause) {
    // Not a JobError, which would be the plugin's own word.
    throw new TypeError(`what it returned is no circuit that can run: ${messageOf(cause)}`, { cause });
  }
  return copyIr(circuit, Object.freeze);
}
