// `coda jobs`: which jobs have run here, how long each took, what failed and why.
import type { CAC } from 'cac';
import { OUTCOMES } from '../../history/record.ts';
import { UsageError } from '../terminal/failure.ts';
import { isUtf8 } from '../terminal/locale.ts';
import {
  CONFIG_OPTION,
  JSON_OPTION,
  oneOf,
  periodOptions,
  wholeNumberOption,
  type ConfigOption,
} from '../terminal/options.ts';
import { terminal } from '../terminal/output.ts';

export const ACTIONS = ['show'] as const;

interface JobsOptions extends ConfigOption {
  readonly since?: string;
  readonly until?: string;
  readonly failed?: boolean;
  readonly outcome?: string;
  readonly search?: string;
  readonly limit?: string;
  readonly follow?: boolean;
  readonly json?: boolean;
}

const DEFAULT_LIMIT = 50;
const MOST = 10_000_000;
const DEFAULT_WIDTH = 80;

export function addJobs(cli: CAC): void {
  cli
    .command(
      'jobs [action] [job]',
      'The jobs that have run here, the newest last; with show JOB, everything about one',
    )
    .option('--since <time>', 'Only those that ended since then: 90s, 10m, 2h or 1d ago, or 2026-11-28T14:30')
    .option('--until <time>', 'Only those that ended before that')
    .option('--failed', 'The same as --outcome failed')
    .option('--outcome <outcome>', `Only those that ended like this: ${OUTCOMES.join(', ')}`)
    .option('--search <text>', 'Only those with this in their id or in their error')
    .option('-n, --limit <n>', `At most so many, the newest (default: ${DEFAULT_LIMIT})`)
    .option('-f, --follow', 'Keep showing new ones until Ctrl-C')
    .option(...JSON_OPTION)
    .option(...CONFIG_OPTION)
    .example('  coda jobs --since 1h --failed    what failed in the last hour, and why')
    .example('  coda jobs --search 0d9a -n 5')
    .example(
      '  coda jobs show 0d9a2c1e          its times, circuit, counts, error, and every attempt to deliver it',
    )
    .example('  coda jobs -f --json | jq .       one line of JSON for each job, as they end')
    .action(jobs);
}

async function jobs(
  action: string | undefined,
  job: string | undefined,
  options: JobsOptions,
): Promise<number> {
  if (action !== undefined && action !== 'show') {
    throw new UsageError(`jobs has no action "${action}"; to see one job, write coda jobs show ${action}`);
  }
  const out = terminal(process.stdout);
  const isJson = options.json === true;
  const { operatorStateDir } = await import('../local-node/settings.ts');
  if (action === 'show') {
    if (job === undefined)
      throw new UsageError('jobs show takes the id of a job, or its first six characters');
    const { showJob } = await import('./show.ts');
    const stateDir = await operatorStateDir(options.config);
    const drawing = { ascii: !isUtf8(process.env), width: process.stdout.columns ?? DEFAULT_WIDTH };
    return showJob({ stateDir, job, json: isJson, drawing, out });
  }
  if (options.failed === true && options.outcome !== undefined && options.outcome !== 'failed') {
    throw new UsageError(`--failed and --outcome ${options.outcome} exclude one another`);
  }
  const given = options.failed === true ? 'failed' : options.outcome;
  const query = {
    ...periodOptions(options),
    outcome: given === undefined ? undefined : oneOf('--outcome', given, OUTCOMES),
    search: options.search,
    limit: wholeNumberOption('--limit', options.limit, 0, MOST) ?? DEFAULT_LIMIT,
  };
  // The reader, such as `head` or a pager, has closed the pipe.
  process.stdout.on('error', () => process.exit(0));
  const ended = new AbortController();
  if (options.follow === true) {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ended.abort());
  }
  const { listJobs } = await import('./list.ts');
  const stateDir = await operatorStateDir(options.config);
  const follow = options.follow === true ? ended.signal : undefined;
  return listJobs({ stateDir, query, follow, json: isJson, out });
}
