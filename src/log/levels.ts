// Which lines a log shows: from one level on, and from another one on for single plugins. It may change at any time.
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const RANKS: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };
/** A plugin may make as many loggers as it likes. */
const MOST_NAMES = 500;

export interface LevelChoice {
  readonly level: LogLevel;
  /** By the name of a plugin, or of another part of the node that has a name in the log, such as `executor`. */
  readonly plugins: Readonly<Record<string, LogLevel>>;
}

export class LogLevels {
  #choice: LevelChoice = { level: 'info', plugins: {} };
  #rank = RANKS.info;
  #ranks = new Map<string, number>();
  readonly #names = new Set<string>();

  constructor(level: LogLevel = 'info', plugins: LevelChoice['plugins'] = {}) {
    this.choice = { level, plugins };
  }

  get choice(): LevelChoice {
    return this.#choice;
  }

  set choice(choice: LevelChoice) {
    this.#choice = choice;
    this.#rank = RANKS[choice.level];
    this.#ranks = new Map(Object.entries(choice.plugins).map(([name, level]) => [name, RANKS[level]]));
  }

  /** Whether a line of `name`, which is empty for the node itself, is shown. */
  shows(level: LogLevel, name: string): boolean {
    const least = this.#ranks.size === 0 ? this.#rank : (this.#ranks.get(name) ?? this.#rank);
    return RANKS[level] >= least;
  }

  /** Notes that somebody of this name has a logger. */
  meet(name: string): void {
    if (name !== '' && this.#names.size < MOST_NAMES) this.#names.add(name);
  }

  /** Whether nobody of this name has had a logger yet. */
  isUnknown(name: string): boolean {
    return !this.#names.has(name);
  }
}

export function isLogLevel(value: unknown): value is LogLevel {
  return LOG_LEVELS.some((level) => level === value);
}
