// Decides whether jobs are taken and started: while anyone keeps it closed, none is.

export class Admission {
  readonly #reasons = new Map<string, string>();
  readonly #listeners: (() => void)[] = [];

  /** Closes the admission in the name of `who`; `reason` is a sentence for the operator. */
  close(who: string, reason: string): void {
    this.#reasons.set(who, reason);
  }

  /** `who` no longer keeps it closed. */
  open(who: string): void {
    if (!this.#reasons.delete(who) || this.#reasons.size > 0) return;
    for (const listener of this.#listeners) listener();
  }

  get isOpen(): boolean {
    return this.#reasons.size === 0;
  }

  get reasons(): readonly string[] {
    return [...this.#reasons.values()];
  }

  /** Calls `listener` whenever the admission opens. */
  onOpen(listener: () => void): void {
    this.#listeners.push(listener);
  }
}
