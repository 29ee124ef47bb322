// The levels of the log that the operator has set for a time (`coda log-level`), beside those of the settings.
import { isLogLevel, type LogLevel } from '../log/levels.ts';
import { isRecord } from '../protocol/text.ts';
import { levelPath } from './layout.ts';
import { OperatorFile } from './operator-file.ts';

export interface SetLevel {
  /** Whose lines; null for all that have no level of their own. */
  readonly plugin: string | null;
  readonly level: LogLevel;
  /** ISO 8601, UTC; null: until it is taken back. */
  readonly until: string | null;
}

/** What to say if the file cannot be understood. */
export const NO_SENSE =
  'what coda log-level has set cannot be understood, and is ignored → coda log-level --reset removes it';
/** What a plugin's name may look like. */
export const PLUGIN_NAME = /^[^\s=\p{Cc}]{1,200}$/u;
const MOST = 200;
const FILE = new OperatorFile(levelPath, 'what coda log-level has set');

/** Those that have not ended; undefined if the file cannot be understood. Throws a ConfigError as a pause does. */
export async function readLevels(stateDir: string): Promise<readonly SetLevel[] | undefined> {
  const stored = await FILE.read(stateDir);
  if (stored === undefined) return [];
  const levels: unknown = stored?.['levels'];
  if (!Array.isArray(levels) || levels.length > MOST || !levels.every(isSetLevel)) return undefined;
  return levels.filter(isOn);
}

/** Whether its time is not over. */
export function isOn({ until }: SetLevel): boolean {
  return until === null || Date.parse(until) > Date.now();
}

export async function writeLevels(stateDir: string, levels: readonly SetLevel[]): Promise<void> {
  if (levels.length === 0) await FILE.remove(stateDir);
  else await FILE.write(stateDir, { levels: levels.slice(0, MOST) });
}

function isSetLevel(value: unknown): value is SetLevel {
  if (!isRecord(value)) return false;
  const { plugin, level, until } = value;
  return (
    (plugin === null || (typeof plugin === 'string' && PLUGIN_NAME.test(plugin))) &&
    isLogLevel(level) &&
    (until === null || (typeof until === 'string' && !Number.isNaN(Date.parse(until))))
  );
}
