// The admission before the device: as long as anybody keeps it closed, no job is taken or started.

export class Admission {
  readonly #reasons = new Map<string, string>();
  readonly #listeners: (() => void)[] = [];

  /** Closes the admission on behalf of `who`; `reason` is a sentence for the operator. */
  close(who: string, reason: string): void {
    this.#reasons.set(who, reason);
  }

  /** Takes back the objection of `who`. */
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
