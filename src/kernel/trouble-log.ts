// Logs every trouble: once when it appears, with its remedy, and once when it is over.
import type { Logger } from '../log.ts';
import type { ReportedTrouble } from './readiness.ts';

/** Trouble that was gone for only one look is not over: it may come and go with each attempt. */
const LOOKS_UNTIL_OVER = 2;

interface Known {
  readonly text: string;
  missed: number;
}

export class TroubleLog {
  readonly #log: Logger;
  readonly #known = new Map<string, Known>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Logs what is new, and what is no longer there. */
  look(troubles: readonly ReportedTrouble[]): void {
    for (const known of this.#known.values()) known.missed += 1;
    for (const { text, remedy } of troubles) {
      const key = keyOf(text);
      const known = this.#known.get(key);
      if (known !== undefined) {
        known.missed = 0;
        continue;
      }
      this.#known.set(key, { text, missed: 0 });
      this.#log.warn(remedy === null ? text : `${text} → ${remedy}`);
    }
    for (const [key, { text, missed }] of this.#known) {
      if (missed < LOOKS_UNTIL_OVER) continue;
      this.#known.delete(key);
      this.#log.info(`over: ${text}`);
    }
  }
}

/** A number that changes is no news. */
function keyOf(text: string): string {
  return text.replaceAll(/\d+/g, '0');
}
