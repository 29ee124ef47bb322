// What failed a job: the text for the cloud, and for the log where it happened and what was thrown.
import { attributedMessageOf } from '../errors.ts';
import { boundedError } from '../protocol/webhook.ts';

/** For the log: what failed a job. */
export interface FailureCause {
  /** Continues "job … failed", for example `in the executor (./qpu.ts)`. */
  readonly where: string;
  readonly thrown?: unknown;
}

export class Failure implements FailureCause {
  readonly error: string;
  readonly where: string;
  readonly thrown: unknown;

  constructor(where: string, thrown: unknown, error = attributedMessageOf(thrown)) {
    this.where = where;
    this.thrown = thrown;
    this.error = boundedError(error);
  }
}
