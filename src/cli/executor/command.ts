// `coda executor`: what is wrong with an executor, before a node runs it; and which executors there are.
import type { CAC } from 'cac';
import { didYouMean } from '../../config/suggest.ts';
import type { CheckOptions } from '../../conformance/terms.ts';
import { TARGETS } from '../../protocol/ir.ts';
import { printable } from '../../protocol/text.ts';
import { abortOnSignals } from '../terminal/exit.ts';
import { UsageError } from '../terminal/failure.ts';
import {
  CONFIG_OPTION,
  JSON_OPTION,
  oneOf,
  targetOption,
  wholeNumberOption,
  type ConfigOption,
} from '../terminal/options.ts';
import { terminal } from '../terminal/output.ts';

export const ACTIONS = ['check', 'list'] as const;
export const SIDES = ['left', 'right'] as const;

interface ExecutorOptions extends ConfigOption {
  readonly json?: boolean;
  readonly target?: string;
  readonly qubits?: string;
  readonly physics?: boolean;
  readonly noise?: string;
  readonly firstBit?: string;
  readonly shotsBudget?: string;
  readonly longRun?: string;
  readonly timeout?: string;
  readonly only?: string;
  readonly skip?: string;
}

export function addExecutor(cli: CAC): void {
  cli
    .command(
      'executor <action> [reference]',
      'check: whether an executor does all that a node asks of it; list: which executors there are, and why not others',
    )
    .option('--physics', 'Also check that counts follow physics: for devices and simulators')
    .option(
      '--noise <share>',
      'With --physics: the share of shots that may be wrong, 0 to 0.3 (default: 0.2)',
    )
    .option(
      '--target <gates>',
      `Native gates of the device: ${TARGETS.join(', ')} (default: the configured one)`,
    )
    .option('--qubits <n>', 'Number of qubits of the device (default: the configured one)')
    .option('--shots-budget <n>', 'Ask for at most so many shots in total; what does not fit is left out')
    .option(
      '--long-run <n>',
      'Shots of a run that takes a second or more, to cancel it (default: looked for)',
    )
    .option('--timeout <sec>', 'A run that takes longer than this hangs (default: 60)')
    .option('--first-bit <side>', 'Where a key has the first measured qubit: left or right (default: left)')
    .option('--only <checks>', 'Make only these checks, separated by commas')
    .option('--skip <checks>', 'Make all checks but these')
    .option(...CONFIG_OPTION)
    .option(...JSON_OPTION)
    .example('  coda executor check                                  the executor that a node here would use')
    .example('  coda executor check ./executor.ts:createExecutor')
    .example('  coda executor check my_qpu.factory:create_executor   one in Python')
    .example('  coda executor check simulator --physics --noise 0')
    .example('  coda executor check --physics --shots-budget 10000   on hardware')
    .example(
      '  coda executor check --json --only cancel,batch       0: nothing failed; 1: something did; 2: wrong usage',
    )
    .example(
      '  coda executor list                                   what is found, what is used, and why not the rest',
    )
    .action(executor);
}

async function executor(
  typed: string,
  reference: string | undefined,
  options: ExecutorOptions,
): Promise<number> {
  const action = ACTIONS.find((known) => known === typed);
  if (action === undefined) {
    const suggestion = await didYouMean(typed, ACTIONS);
    throw new UsageError(`there is no action '${printable(typed, 40)}' of executor${suggestion}`);
  }
  const out = terminal(process.stdout);
  const json = options.json === true;
  if (action === 'list') {
    if (reference !== undefined) throw new UsageError('executor list takes no executor; executor check does');
    const { listExecutors } = await import('./list.ts');
    return listExecutors({ configPath: options.config, json, out });
  }
  const checks = checkOptions(options);
  const { checkNamed } = await import('./check.ts');
  return checkNamed(reference, {
    ...{ checks, json, out, configPath: options.config },
    signal: abortOnSignals(),
  });
}

function checkOptions(options: ExecutorOptions): CheckOptions {
  const most = Number.MAX_SAFE_INTEGER;
  return {
    physics: options.physics === true,
    noise: noiseOption(options),
    target: targetOption(options.target),
    qubits: wholeNumberOption('--qubits', options.qubits, 1, 1_000_000),
    shotsBudget: wholeNumberOption('--shots-budget', options.shotsBudget, 1, most),
    longRun: wholeNumberOption('--long-run', options.longRun, 1, most),
    timeoutSec: wholeNumberOption('--timeout', options.timeout, 1, 86_400),
    firstBit: firstBitOption(options.firstBit),
    only: idsOption(options.only),
    skip: idsOption(options.skip),
  };
}

function noiseOption({ noise, physics }: ExecutorOptions): number | undefined {
  if (noise === undefined) return undefined;
  if (physics !== true) throw new UsageError('--noise goes with --physics');
  const value = /^(0|0?\.\d+)$/.test(noise) ? Number(noise) : NaN;
  if (value >= 0 && value <= 0.3) return value;
  throw new UsageError(`--noise is "${noise}"; it must be a number from 0 to 0.3`);
}

function firstBitOption(side: string | undefined): 'left' | 'right' | undefined {
  return side === undefined ? undefined : oneOf('--first-bit', side, SIDES);
}

function idsOption(text: string | undefined): readonly string[] | undefined {
  return text?.split(',').map((id) => id.trim());
}
