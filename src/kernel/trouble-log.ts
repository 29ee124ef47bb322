// Looks again and again at what keeps the node from being ready, or is wrong besides, and logs each trouble: once when it
// appears, with its remedy, and once when it is over.
import type { Logger } from '../log.ts';
import type { ReadinessReport, ReportedTrouble } from './readiness.ts';

const LOOK_EVERY_MS = 1_000;
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

/** Returns what ends it. */
export function watchTroubles(
  readiness: () => ReadinessReport,
  isDraining: () => boolean,
  log: Logger,
): () => void {
  const troubleLog = new TroubleLog(log);
  const timer = setInterval(() => {
    const { troubles } = readiness();
    // The reasons of a drain are no trouble, and have no remedy.
    troubleLog.look(isDraining() ? troubles.filter(({ remedy }) => remedy !== null) : troubles);
  }, LOOK_EVERY_MS);
  return () => clearInterval(timer);
}

/** A number that changes is no news. */
function keyOf(text: string): string {
  return text.replaceAll(/\d+/g, '0');
}
