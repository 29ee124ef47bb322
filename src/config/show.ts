// Shows the effective settings and their sources, for `coda config`; hides secrets.
import { hiddenValue } from './secrets.ts';
import type { LoadedConfig } from './load.ts';
import {
  SETTING_NAMES,
  settingOf,
  type SettingName,
  type SettingSource,
  type SettingValue,
} from './settings.ts';

export interface ConfigRow {
  readonly name: SettingName;
  readonly variable: string;
  /** In its own type, with secrets hidden. */
  readonly value: SettingValue;
  readonly source: SettingSource;
  readonly where: string;
}

/** One row for each setting, in the order of the table. */
export function describeConfig(loaded: LoadedConfig): ConfigRow[] {
  return SETTING_NAMES.map((name) => ({
    name,
    variable: settingOf(name).env,
    ...(name === 'executorFactory' ? executorRow(loaded) : settingRow(name, loaded)),
  }));
}

/** The rows as a text table, one line each. */
export function renderConfig(rows: readonly ConfigRow[]): string[] {
  const lines = [
    ['SETTING', 'VALUE', 'FROM'],
    ...rows.map(({ name, value, source, where }) => [
      name,
      text(value),
      source === where ? source : `${source}: ${where}`,
    ]),
  ];
  const width = (column: number): number => Math.max(...lines.map((line) => line[column]?.length ?? 0));
  const [first, second] = [width(0), Math.min(width(1), 60)];
  return lines.map(
    ([name = '', value = '', from = '']) => `${name.padEnd(first)}  ${value.padEnd(second)}  ${from}`,
  );
}

type Cells = Pick<ConfigRow, 'value' | 'source' | 'where'>;

function settingRow(name: SettingName, { settings, sources }: LoadedConfig): Cells {
  return { value: hiddenValue(settingOf(name), settings[name]), ...sources[name] };
}

/** In a config file the executor may be code, which is not a value of the setting. */
function executorRow(loaded: LoadedConfig): Cells {
  const { executor } = loaded;
  if (executor === undefined || typeof executor.value === 'string')
    return settingRow('executorFactory', loaded);
  const value = typeof executor.value === 'function' ? '(a function)' : '(an executor)';
  return { value, source: 'config file', where: executor.source };
}

function text(value: SettingValue): string {
  if (value === '' || value === null) return '-';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
