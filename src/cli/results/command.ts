// `coda results`: shows, delivers or removes the results that the cloud refused, and those that wait.
import type { CAC } from 'cac';
import { didYouMean } from '../../config/suggest.ts';
import { originOf } from '../../outbox/origins.ts';
import type { Action } from './actions.ts';
import { printable } from '../../protocol/text.ts';
import { ask } from '../terminal/ask.ts';
import { CONFIG_OPTION, JSON_OPTION, type ConfigOption } from '../terminal/options.ts';
import { terminal } from '../terminal/output.ts';

export const ACTIONS = ['list', 'show', 'replay', 'drop'] as const satisfies readonly Action[];

interface ResultsOptions extends ConfigOption {
  readonly all?: boolean;
  readonly json?: boolean;
  readonly waiting?: boolean;
  /** A list if it is given several times. */
  readonly origin?: string | readonly string[];
  readonly yes?: boolean;
}

export function addResults(cli: CAC): void {
  cli
    .command(
      'results [action] [...jobs]',
      'Results that the cloud refused: list, show JOB, replay JOB… or drop JOB…; with --waiting, those that wait',
    )
    .option('--all', 'For replay and drop: every such result')
    .option('--waiting', 'For list and drop: results that are saved and not delivered yet')
    .option('--origin <url>', 'With --waiting: only those that go to this origin, e.g. https://host:8443')
    .option('-y, --yes', 'For drop --waiting: do not ask')
    .option(...JSON_OPTION)
    .option(...CONFIG_OPTION)
    .example('  coda results list               what was refused, when and why; what else is not delivered')
    .example('  coda results show 0d9a2c1e      everything about one; six characters of its id are enough')
    .example('  coda results replay 0d9a2c1e    has the node try to deliver it once more')
    .example('  coda results replay --all       e.g. after the cloud is fixed')
    .example('  coda results drop 0d9a2c1e      removes it for good, without asking')
    .example(
      '  coda results --waiting          what is not delivered yet, where it goes, and why it is still here',
    )
    .example('  coda results drop --waiting --all --origin http://10.0.0.9:8080')
    .action(results);
}

async function results(
  typed: string | undefined,
  jobs: readonly string[],
  options: ResultsOptions,
): Promise<number> {
  const out = terminal(process.stdout);
  const given = typed ?? (options.waiting === true ? 'list' : undefined);
  const action = ACTIONS.find((known) => known === given);
  const misuse =
    action === undefined
      ? await unknownAction(given)
      : (misuseOf(action, jobs, options.all === true) ?? misuseOfWaiting(action, options));
  if (action === undefined || misuse !== undefined) {
    out.error(`coda: ${misuse}\n  → see coda results --help`);
    return 2;
  }
  const { operatorStateDir } = await import('../local-node/settings.ts');
  const { runAction, runWaiting } = await import('./actions.ts');
  const stateDir = await operatorStateDir(options.config);
  if (options.waiting === true && (action === 'list' || action === 'drop')) {
    const isTerminal = process.stdin.isTTY && process.stdout.isTTY && options.json !== true;
    return runWaiting(action, {
      stateDir,
      jobs,
      origin: typeof options.origin === 'string' ? originOf(options.origin) : undefined,
      json: options.json === true,
      ask: isTerminal ? ask : undefined,
      yes: options.yes === true,
      out,
    });
  }
  return runAction(action, { stateDir, jobs, json: options.json === true, out });
}

async function unknownAction(action: string | undefined): Promise<string> {
  if (action === undefined) return 'results takes an action: list, show, replay or drop';
  const suggestion = await didYouMean(action, ACTIONS);
  return `there is no action '${printable(action, 40)}' of results${suggestion}`;
}

function misuseOfWaiting(action: Action, { waiting, origin, yes }: ResultsOptions): string | undefined {
  if (waiting !== true) {
    return origin === undefined && yes !== true ? undefined : '--origin and --yes go with --waiting';
  }
  if (action === 'show' || action === 'replay') return `results ${action} is for refused results only`;
  if (origin === undefined) return undefined;
  const isOne = typeof origin === 'string' && URL.canParse(origin);
  return isOne ? undefined : '--origin takes one origin, e.g. https://host:8443';
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
