// Decides whether jobs are taken and started: while anyone keeps it closed, none is.

export interface AdmissionReason {
  readonly text: string;
  readonly remedy: string | undefined;
}

export class Admission {
  readonly #reasons = new Map<string, AdmissionReason>();
  readonly #onOpen: (() => void)[] = [];
  readonly #onClose: (() => void)[] = [];

  /** Closes the admission in the name of `who`. `text` is a sentence for the operator; `remedy` says what to do about it. */
  close(who: string, text: string, remedy?: string): void {
    const wasOpen = this.isOpen;
    this.#reasons.set(who, { text, remedy });
    if (wasOpen) for (const listener of this.#onClose) listener();
  }

  /** `who` no longer keeps it closed. */
  open(who: string): void {
    if (!this.#reasons.delete(who) || this.#reasons.size > 0) return;
    for (const listener of this.#onOpen) listener();
  }

  get isOpen(): boolean {
    return this.#reasons.size === 0;
  }

  get reasons(): readonly AdmissionReason[] {
    return [...this.#reasons.values()];
  }

  /** Calls `listener` whenever the admission opens. */
  onOpen(listener: () => void): void {
    this.#onOpen.push(listener);
  }

  /** Calls `listener` whenever the admission closes. */
  onClose(listener: () => void): void {
    this.#onClose.push(listener);
  }
}
