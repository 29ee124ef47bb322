// What a check says of an executor that does not pass it.

/** Something that is wrong with an executor. */
export interface Finding {
  /** A warning: jobs still get their results. */
  readonly level: 'failure' | 'warning';
  /** One sentence each, without a full stop at the end of `what`. */
  readonly what: string;
  readonly why: string;
  readonly how: string;
}

/** The executor does not do what it should. */
export class Fault extends Error {
  readonly how: string;
  /** In place of the check's own. */
  readonly why: string | undefined;

  constructor(what: string, how: string, why?: string) {
    super(what);
    this.how = how;
    this.why = why;
  }
}

/** The check could not be made. */
export class LeftOut extends Error {}
