// `coda log-level`: shows which lines a node logs, and changes it while the node runs.
import type { CAC } from 'cac';
import { isLogLevel, LOG_LEVELS, type LogLevel } from '../../log/levels.ts';
import { UsageError } from '../terminal/failure.ts';
import { CONFIG_OPTION, durationOption, JSON_OPTION, oneOf } from '../terminal/options.ts';
import type { LogLevelOptions, Wanted } from './change.ts';

export function addLogLevel(cli: CAC): void {
  cli
    .command('log-level [...level]', 'Show or change which lines a running node logs')
    .option('--plugin <name>', 'Only the lines of this plugin; vpn=debug says the same')
    .option('--for <time>', 'For this long, then as before: 90s, 10m, 2h, 1d')
    .option('--reset', 'Back to the settings; with --plugin, for that plugin')
    .option(...CONFIG_OPTION)
    .option(...JSON_OPTION)
    .example('  coda log-level                      what is logged now')
    .example('  coda log-level debug --for 10m')
    .example('  coda log-level vpn=debug python=warn')
    .example('  coda log-level --reset')
    .action(logLevel);
}

async function logLevel(words: readonly string[], options: LogLevelOptions): Promise<number> {
  const forMs = durationOption('--for', options.for);
  const wanted = wantedOf(words, options);
  if (forMs !== undefined && wanted.every(({ level }) => level === undefined)) {
    throw new UsageError('--for needs a level, such as coda log-level debug --for 10m');
  }
  const until = forMs === undefined ? null : new Date(Date.now() + forMs).toISOString();
  const { changeLevels } = await import('./change.ts');
  return changeLevels(wanted, until, options);
}

function wantedOf(words: readonly string[], { plugin, reset }: LogLevelOptions): Wanted[] {
  if (reset === true) {
    if (words.length > 0) throw new UsageError('--reset takes no level');
    return [{ plugin: plugin ?? null, level: undefined }];
  }
  const wanted = words.map((word): Wanted => {
    const at = word.lastIndexOf('=');
    if (at < 0) return { plugin: plugin ?? null, level: levelOf(word) };
    if (plugin !== undefined) throw new UsageError(`${word} and --plugin both name a plugin`);
    return { plugin: word.slice(0, at), level: levelOf(word.slice(at + 1)) };
  });
  const names = wanted.map(({ plugin: name }) => name);
  if (new Set(names).size < names.length) throw new UsageError('a level is given twice');
  if (plugin !== undefined && words.length === 0) throw new UsageError('--plugin needs a level, or --reset');
  return wanted;
}

function levelOf(word: string): LogLevel {
  return isLogLevel(word) ? word : oneOf('the level', word, LOG_LEVELS);
}
