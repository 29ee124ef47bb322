// The circuits that lie parsed in Python before their run, so that a start is one small message.
import type { UpcomingJob } from '../../src/index.ts';
import type { PythonHost } from './host.ts';

/** Of text. A single circuit may be larger, and then goes with its run. */
const MOST_BYTES = 32 * 1024 * 1024;
const BYTE_ORDER_MARK = '\uFEFF';

export class CircuitsAhead {
  readonly #sent = new Map<string, number>();
  #bytes = 0;

  /** Sends what is next and not sent yet; drops what is not next any more. */
  update(jobs: readonly UpcomingJob[], host: PythonHost): void {
    for (const jobId of this.#sent.keys()) {
      if (jobs.some((job) => job.jobId === jobId)) continue;
      this.take(jobId);
      host.ahead({ t: 'forget', id: jobId });
    }
    for (const { jobId, circuit } of jobs) {
      if (this.#sent.has(jobId) || circuit.irJson === undefined) continue;
      const { length } = circuit.irJson;
      if (this.#bytes + length > MOST_BYTES) return;
      host.ahead({ t: 'circuit', id: jobId }, textOf(circuit.ir, circuit.irJson));
      this.#sent.set(jobId, length);
      this.#bytes += length;
    }
  }

  has(jobId: string): boolean {
    return this.#sent.has(jobId);
  }

  /** Its run begins. Returns whether the circuit was sent. */
  take(jobId: string): boolean {
    const bytes = this.#sent.get(jobId);
    if (bytes === undefined) return false;
    this.#bytes -= bytes;
    return this.#sent.delete(jobId);
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
