// An error that the local cloud answers: an HTTP status, a sentence, and whether the node broke the contract.

export class Refusal extends Error {
  readonly status: number;
  /** False if a correct node may be refused too, e.g. with a token that was used before. */
  readonly isViolation: boolean;
  /** The request was meant for another cloud, and is not recorded. */
  readonly isStray: boolean;

  constructor(
    status: number,
    message: string,
    { isStray = false, isViolation = !isStray }: { isStray?: boolean; isViolation?: boolean } = {},
  ) {
    super(message);
    this.name = 'Refusal';
    this.status = status;
    this.isViolation = isViolation;
    this.isStray = isStray;
  }
}
