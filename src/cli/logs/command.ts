// `coda logs`: shows the end of the daemon's log, and follows it.
import type { CAC } from 'cac';
import { LOG_LEVELS } from '../../log/levels.ts';
import { textOutput } from '../terminal/output.ts';
import {
  CONFIG_OPTION,
  momentOption,
  oneOf,
  wholeNumberOption,
  type ConfigOption,
} from '../terminal/options.ts';

interface LogsOptions extends ConfigOption {
  readonly job?: string;
  readonly level?: string;
  readonly lines?: string;
  readonly since?: string;
  readonly follow?: boolean;
}

const DEFAULT_LINES = 50;

export function addLogs(cli: CAC): void {
  cli
    .command('logs', "Show the end of the daemon's log")
    .option('-n, --lines <n>', `How many lines (default: ${DEFAULT_LINES}; all with --since)`)
    .option(
      '--since <time>',
      'Only from then on: 30m, 2h, 1d ago, or a time as in the log, such as 2026-11-28T02:10',
    )
    .option('--level <level>', `Only lines of this level, or worse: ${LOG_LEVELS.join(', ')}`)
    .option('--job <id>', 'Only lines about this job')
    .option('-f, --follow', 'Keep showing new lines until Ctrl-C')
    .option(...CONFIG_OPTION)
    .example('  coda logs -n 200')
    .example('  coda logs -f')
    .example('  coda logs --since 1h --level warn')
    .example('  coda logs --job job-42 -f')
    .action(logs);
}

async function logs(options: LogsOptions): Promise<number> {
  // As in the log.
  const since = momentOption('--since', options.since, 'Z');
  const level = options.level === undefined ? undefined : oneOf('--level', options.level, LOG_LEVELS);
  const { job } = options;
  const isFiltered = since !== undefined || level !== undefined || job !== undefined;
  const lines =
    wholeNumberOption('--lines', options.lines, 0, 10_000_000) ??
    (since === undefined ? DEFAULT_LINES : Infinity);
  const { logPath } = await import('../../state/layout.ts');
  const { operatorStateDir } = await import('../local-node/settings.ts');
  const { showLog } = await import('./show-log.ts');
  const stateDir = await operatorStateDir(options.config);
  // The reader, such as `head` or a pager, has closed the pipe.
  process.stdout.on('error', () => process.exit(0));
  const ended = new AbortController();
  if (options.follow === true) {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ended.abort());
  }
  await showLog(logPath(stateDir), {
    lines,
    filter: isFiltered ? { since, level, job } : undefined,
    follow: options.follow === true ? ended.signal : undefined,
    write: textOutput(),
  });
  return 0;
}
