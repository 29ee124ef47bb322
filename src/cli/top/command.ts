// `coda top`: the node at a glance, kept up to date in the terminal.
import type { CAC } from 'cac';
import { CONFIG_OPTION, JSON_OPTION, wholeNumberOption, type ConfigOption } from '../terminal/options.ts';
import { terminal } from '../terminal/output.ts';

interface TopOptions extends ConfigOption {
  readonly every?: string;
  readonly json?: boolean;
}

const DEFAULT_EVERY_SEC = 2;
const MOST_SEC = 3_600;

export function addTop(cli: CAC): void {
  cli
    .command('top', 'Watch the node: its state, its last jobs, why the device was idle')
    .option('--every <seconds>', `How often it looks (default: ${DEFAULT_EVERY_SEC})`)
    .option(...CONFIG_OPTION)
    .option(...JSON_OPTION)
    .example('  coda top           q quits')
    .example('  coda top | cat     once, as text')
    .example('  coda top --json | jq .device')
    .action(top);
}

async function top(options: TopOptions): Promise<number> {
  const everySec = wholeNumberOption('--every', options.every, 1, MOST_SEC) ?? DEFAULT_EVERY_SEC;
  const out = terminal(process.stdout);
  const { operatorSettings } = await import('../local-node/settings.ts');
  const { look } = await import('./look.ts');
  const settings = await operatorSettings(options.config);
  const isScreen = options.json !== true && process.stdout.isTTY && process.env['TERM'] !== 'dumb';
  if (isScreen) {
    const { watch } = await import('./watch.ts');
    await watch(settings, everySec, out);
    return 0;
  }
  const seen = await look(settings);
  if (options.json === true) {
    const { jsonOf } = await import('../jobs/report.ts');
    out.json({ ...seen.status, device: seen.device, jobs: seen.jobs.map(jsonOf), gaps: seen.gaps }, 2);
  } else {
    const { lines } = await import('./lines.ts');
    for (const line of lines(seen, out)) out.write(line);
  }
  return seen.status.running ? 0 : 1;
}
