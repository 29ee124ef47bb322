// `coda logs`: shows the end of the daemon's log, and follows it.
import type { CAC } from 'cac';
import { textOutput } from '../terminal/output.ts';
import { CONFIG_OPTION, wholeNumberOption, type ConfigOption } from '../terminal/options.ts';

interface LogsOptions extends ConfigOption {
  readonly lines?: string;
  readonly follow?: boolean;
}

const DEFAULT_LINES = 50;

export function addLogs(cli: CAC): void {
  cli
    .command('logs', "Show the end of the daemon's log")
    .option('-n, --lines <n>', `How many lines (default: ${DEFAULT_LINES})`)
    .option('-f, --follow', 'Keep showing new lines until Ctrl-C')
    .option(...CONFIG_OPTION)
    .example('  coda logs -n 200')
    .example('  coda logs -f')
    .action(logs);
}

async function logs(options: LogsOptions): Promise<number> {
  const lines = wholeNumberOption('--lines', options.lines, 0, 10_000_000) ?? DEFAULT_LINES;
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
    follow: options.follow === true ? ended.signal : undefined,
    write: textOutput(),
  });
  return 0;
}
