// How the local cloud says no: an HTTP status, a sentence, and whether the node broke the contract.

export class Refusal extends Error {
  readonly status: number;
  /** False where a correct node may be refused as well, e.g. with a token that has been used. */
  readonly isViolation: boolean;

  constructor(status: number, message: string, options: { isViolation?: boolean } = {}) {
    super(message);
    this.name = 'Refusal';
    this.status = status;
    this.isViolation = options.isViolation ?? true;
  }
}
