// `coda stats`: how many jobs, how fast, how busy the device was, and why it was not.
import type { CAC } from 'cac';
import { CONFIG_OPTION, JSON_OPTION, periodOptions, type ConfigOption } from '../terminal/options.ts';
import { terminal } from '../terminal/output.ts';

interface StatsOptions extends ConfigOption {
  readonly since?: string;
  readonly until?: string;
  readonly json?: boolean;
}

const DEFAULT_SINCE = '24h';

export function addStats(cli: CAC): void {
  cli
    .command('stats', 'Throughput, busy share, failures, waiting and run times, and why the device was idle')
    .option('--since <time>', `90s, 10m, 2h or 1d ago, or 2026-11-28T14:30 (default: ${DEFAULT_SINCE})`)
    .option('--until <time>', 'Not after that (default: now)')
    .option(...JSON_OPTION)
    .option(...CONFIG_OPTION)
    .example('  coda stats --since 1h')
    .example('  coda stats --since 2026-11-27 --until 2026-11-28 --json')
    .action(stats);
}

async function stats(options: StatsOptions): Promise<number> {
  const { since = 0, until = Date.now() } = periodOptions({ since: DEFAULT_SINCE, ...options });
  const { operatorStateDir } = await import('../local-node/settings.ts');
  const { showStats } = await import('./stats.ts');
  const stateDir = await operatorStateDir(options.config);
  return showStats({ stateDir, since, until, json: options.json === true, out: terminal(process.stdout) });
}
