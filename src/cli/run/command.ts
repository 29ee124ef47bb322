// `coda run`: runs one circuit on the configured executor, without a cloud: a dry run before going online.
import type { CAC } from 'cac';
import { abortOnSignals } from '../terminal/exit.ts';
import {
  CONFIG_OPTION,
  QASM_OPTIONS,
  targetOption,
  wholeNumberOption,
  type ConfigOption,
  type QasmOptions,
} from '../terminal/options.ts';
import { terminal } from '../terminal/output.ts';

interface RunOptions extends ConfigOption, QasmOptions {
  readonly json?: boolean;
  readonly ownExecutor?: boolean;
  readonly shots?: string;
}

const DEFAULT_SHOTS = 1000;

export function addRun(cli: CAC): void {
  const command = cli
    .command(
      'run <circuit>',
      'Run one circuit (OpenQASM, or NativeGateIR as JSON; - for standard input) on your executor, without a cloud; while a node runs here, on its device, between two of its jobs',
    )
    .option('--shots <n>', `Number of shots (default: ${DEFAULT_SHOTS})`)
    .option(...CONFIG_OPTION)
    .option(
      '--own-executor',
      'Load an executor of its own, even if a node runs here. Only for a device that two may use at a time',
    )
    .option('--json', 'Print the JSON that the cloud would get')
    .example('  coda run bell.qasm                       translated to the native gates of the device')
    .example('  coda run bell.json --shots 100 --json')
    .example('  coda run bell.qasm --no-compile          only if the device has each of its gates')
    .action(run);
  for (const [name, text] of QASM_OPTIONS) command.option(name, text);
}

async function run(file: string, options: RunOptions): Promise<number> {
  const shots = wholeNumberOption('--shots', options.shots, 1, Number.MAX_SAFE_INTEGER) ?? DEFAULT_SHOTS;
  const { runCircuit } = await import('./run-circuit.ts');
  return runCircuit(file, {
    shots,
    json: options.json === true,
    configPath: options.config,
    target: targetOption(options.target),
    compile: options.compile !== false,
    ownExecutor: options.ownExecutor === true,
    out: terminal(process.stdout),
    abortOnSignals,
  });
}
