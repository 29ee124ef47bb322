// A job as plugins see it: frozen, made once a job and only if a hook is tapped. What a plugin does to it changes nothing.
import { messageOf } from '../errors.ts';
import { validateIr, type NativeGateIR } from '../protocol/ir.ts';
import { annotated, NO_ANNOTATIONS, type Annotations } from './annotations.ts';
import type { HeldJob, Job, ReadyJob } from './job.ts';

/** A held job whose circuit has been read. */
export type JobWithCircuit = HeldJob & Pick<ReadyJob, 'circuit'>;

export function viewOf(job: JobWithCircuit): Job {
  return (job.view ??= new JobView(job));
}

/** Its facts are its own properties, so that `{ ...job }` has them; the rest is made only if somebody reads it. */
class JobView implements Job {
  readonly jobId: string;
  readonly messageId: string;
  readonly callbackUrl: string;
  readonly shots: number;
  readonly #job: JobWithCircuit;
  #seen: NativeGateIR | undefined;
  #copy: NativeGateIR | undefined;

  constructor(job: JobWithCircuit) {
    this.jobId = job.jobId;
    this.messageId = job.messageIds[0];
    this.callbackUrl = job.callbackUrl;
    this.shots = job.circuit.shots;
    this.#job = job;
    Object.freeze(this);
  }

  /** A copy: the executor has the circuit itself, which may be large. */
  get ir(): NativeGateIR {
    const { ir } = this.#job.circuit;
    if (this.#copy === undefined || this.#seen !== ir) this.#copy = copyIr(ir, Object.freeze);
    this.#seen = ir;
    return this.#copy;
  }

  get annotations(): Annotations {
    return this.#job.annotations ?? NO_ANNOTATIONS;
  }

  /** A function of its own: a tap may take it out of the job. */
  get annotate(): Job['annotate'] {
    const job = this.#job;
    return (key, value) => {
      const annotations = annotated(job.annotations ?? NO_ANNOTATIONS, key, value);
      job.onAnnotated?.(annotations);
      job.annotations = annotations;
    };
  }

  toJSON(): Omit<Job, 'annotate'> {
    const { jobId, messageId, callbackUrl, shots, ir, annotations } = this;
    return { jobId, messageId, callbackUrl, ir, shots, annotations };
  }

  static {
    // All views share it.
    Object.freeze(this.prototype);
  }
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
