// The circuits that lie parsed in Python before their run, so that a start is one small message.
import type { UpcomingJob } from '../../src/index.ts';
import type { PythonHost } from './host.ts';

/** Of text. A single circuit may be larger, and then goes with its run. */
const MOST_BYTES = 32 * 1024 * 1024;
const BYTE_ORDER_MARK = '\uFEFF';

interface Sent {
  /** Python's name for it, which no other circuit has had: a job that is submitted again may have another circuit. */
  readonly name: string;
  readonly irJson: string;
}

export class CircuitsAhead {
  /** By the id of the job. */
  readonly #sent = new Map<string, Sent>();
  #bytes = 0;
  #names = 0;

  /** Sends what is next and not sent yet; drops what is not next any more. */
  update(jobs: readonly UpcomingJob[], host: PythonHost): void {
    for (const [jobId, { name, irJson }] of this.#sent) {
      if (jobs.some((job) => job.jobId === jobId && job.circuit.irJson === irJson)) continue;
      this.#drop(jobId, irJson);
      host.ahead({ t: 'forget', id: name });
    }
    for (const { jobId, circuit } of jobs) {
      const { ir, irJson } = circuit;
      if (this.#sent.has(jobId) || irJson === undefined) continue;
      if (this.#bytes + irJson.length > MOST_BYTES) return;
      this.#sent.set(jobId, { name: this.send(ir, irJson, host), irJson });
      this.#bytes += irJson.length;
    }
  }

  /** Sends a circuit that is used at once; returns its name. */
  send(ir: unknown, irJson: string | undefined, host: PythonHost): string {
    const name = `c${(this.#names += 1)}`;
    host.ahead({ t: 'circuit', id: name }, textOf(ir, irJson));
    return name;
  }

  /** The name of the circuit, if it was sent. */
  nameOf(jobId: string, irJson: string | undefined): string | undefined {
    const sent = this.#sent.get(jobId);
    return sent?.irJson === irJson ? sent?.name : undefined;
  }

  /** As `nameOf`, for a run that begins. */
  take(jobId: string, irJson: string | undefined): string | undefined {
    const name = this.nameOf(jobId, irJson);
    if (name !== undefined && irJson !== undefined) this.#drop(jobId, irJson);
    return name;
  }

  #drop(jobId: string, { length }: string): void {
    this.#sent.delete(jobId);
    this.#bytes -= length;
  }

  /** The process that had them is gone. */
  clear(): void {
    this.#sent.clear();
    this.#bytes = 0;
  }
}

/** The circuit's own text, if the node has it. Python's JSON does not take a byte order mark. */
export function textOf(ir: unknown, irJson: string | undefined): string {
  if (irJson === undefined) return JSON.stringify(ir);
  return irJson.startsWith(BYTE_ORDER_MARK) ? irJson.slice(1) : irJson;
}
