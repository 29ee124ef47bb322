// `coda results`: shows, delivers or removes the results that the cloud refused.
import type { CAC } from 'cac';
import { didYouMean } from '../../config/suggest.ts';
import type { Action } from './actions.ts';
import { printable } from '../../protocol/text.ts';
import { CONFIG_OPTION, JSON_OPTION, type ConfigOption } from '../terminal/options.ts';
import { terminal } from '../terminal/output.ts';

const ACTIONS = ['list', 'show', 'replay', 'drop'] as const satisfies readonly Action[];

interface ResultsOptions extends ConfigOption {
  readonly all?: boolean;
  readonly json?: boolean;
}

export function addResults(cli: CAC): void {
  cli
    .command(
      'results <action> [...jobs]',
      'Results that the cloud refused: list, show JOB, replay JOB… or drop JOB…',
    )
    .option('--all', 'For replay and drop: every refused result')
    .option(...JSON_OPTION)
    .option(...CONFIG_OPTION)
    .example('  coda results list               what was refused, when and why; what else is not delivered')
    .example('  coda results show 0d9a2c1e      everything about one; six characters of its id are enough')
    .example('  coda results replay 0d9a2c1e    has the node try to deliver it once more')
    .example('  coda results replay --all       e.g. after the cloud is fixed')
    .example('  coda results drop 0d9a2c1e      removes it for good, without asking')
    .action(results);
}

async function results(given: string, jobs: readonly string[], options: ResultsOptions): Promise<number> {
  const out = terminal(process.stdout);
  const action = ACTIONS.find((known) => known === given);
  const misuse =
    action === undefined ? await unknownAction(given) : misuseOf(action, jobs, options.all === true);
  if (action === undefined || misuse !== undefined) {
    out.error(`coda: ${misuse}\n  → see coda results --help`);
    return 2;
  }
  const { operatorStateDir } = await import('../local-node/settings.ts');
  const { runAction } = await import('./actions.ts');
  const stateDir = await operatorStateDir(options.config);
  return runAction(action, { stateDir, jobs, json: options.json === true, out });
}

async function unknownAction(action: string): Promise<string> {
  const suggestion = await didYouMean(action, ACTIONS);
  return `there is no action '${printable(action, 40)}' of results${suggestion}`;
}

/** What is wrong with the arguments of a known action, if anything. */
function misuseOf(action: Action, jobs: readonly string[], all: boolean): string | undefined {
  switch (action) {
    case 'list':
      return jobs.length > 0 || all ? 'results list takes no job; results show does' : undefined;
    case 'show':
      return jobs.length !== 1 || all ? 'results show takes one job' : undefined;
    case 'replay':
    case 'drop':
      return jobs.length > 0 === all ? `results ${action} takes jobs, or --all` : undefined;
  }
}
