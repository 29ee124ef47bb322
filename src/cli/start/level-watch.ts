// Has the log follow what the operator sets (`coda log-level`), and go back to the settings when the time is over.
import { messageOf } from '../../errors.ts';
import { RepeatFilter, type Logger } from '../../log.ts';
import type { LevelChoice, LogLevel, LogLevels } from '../../log/levels.ts';
import type { Plugin } from '../../plugin.ts';
import { isOn, NO_SENSE, readLevels, type SetLevel } from '../../state/level-file.ts';

const LOOK_EVERY_MS = 1_000;

/** What `/ready` says of the log. */
interface ShownLevels extends LevelChoice {
  /** By `coda log-level`, and not ended. */
  readonly set: readonly SetLevel[];
  /** Plugins that have a level and that the node does not have. */
  readonly unknown: readonly string[];
}

export class LevelWatch {
  readonly plugin: Plugin = { name: 'log-level', apply: (node) => this.#apply(node) };
  readonly #levels: LogLevels;
  readonly #settings: LevelChoice;
  readonly #stateDir: string;
  readonly #log: Logger;
  readonly #troubles = new RepeatFilter();
  #set: readonly SetLevel[] = [];

  /** `levels` are those of the settings, still. */
  constructor(levels: LogLevels, stateDir: string, log: Logger) {
    this.#levels = levels;
    this.#settings = levels.choice;
    this.#stateDir = stateDir;
    this.#log = log;
  }

  /** Never rejects. */
  async look(): Promise<void> {
    try {
      const found = await readLevels(this.#stateDir);
      if (found === undefined) this.#cannotKnow(NO_SENSE);
      else {
        this.#troubles.clear();
        this.#follow(found);
      }
    } catch (thrown) {
      this.#cannotKnow(messageOf(thrown));
    }
  }

  /** What was set before holds until its time is over. */
  #cannotKnow(why: string): void {
    if (this.#troubles.isNew(why)) this.#log.warn(why);
    this.#follow(this.#set.filter(isOn));
  }

  #follow(found: readonly SetLevel[]): void {
    if (JSON.stringify(found) === JSON.stringify(this.#set)) return;
    this.#set = found;
    let { level } = this.#settings;
    const plugins: Record<string, LogLevel> = { ...this.#settings.plugins };
    for (const one of found) {
      if (one.plugin === null) level = one.level;
      else plugins[one.plugin] = one.level;
    }
    this.#levels.choice = { level, plugins };
    this.#log.info(
      found.length === 0
        ? 'the log has the levels of the settings again'
        : `the operator has set the level of the log: ${found.map(textOf).join(', ')}`,
    );
  }

  #apply(node: Parameters<Plugin['apply']>[0]): void {
    node.hooks.readiness.tap('log-level', (report) => {
      const { level, plugins } = this.#levels.choice;
      const unknown = Object.keys(plugins).filter((name) => this.#levels.isUnknown(name));
      const shown: ShownLevels = { level, plugins, set: this.#set, unknown };
      report.add('log_level', shown);
    });
    let isLooking = false;
    const timer = setInterval(() => {
      if (isLooking) return;
      isLooking = true;
      void this.look().finally(() => (isLooking = false));
    }, LOOK_EVERY_MS).unref();
    node.onClose('the watch of the log level', () => clearInterval(timer));
  }
}

function textOf({ plugin, level, until }: SetLevel): string {
  return `${plugin === null ? '' : `${plugin}=`}${level}${until === null ? '' : ` until ${until}`}`;
}
