// `coda run`: runs one circuit on the configured executor, without a cloud: a dry run before going online.
import type { CAC } from 'cac';
import { abortOnSignals } from '../terminal/exit.ts';
import { CONFIG_OPTION, wholeNumberOption, type ConfigOption } from '../terminal/options.ts';
import { terminal } from '../terminal/output.ts';

interface RunOptions extends ConfigOption {
  readonly json?: boolean;
  readonly shots?: string;
}

const DEFAULT_SHOTS = 1000;

export function addRun(cli: CAC): void {
  cli
    .command(
      'run <circuit>',
      'Run one circuit (NativeGateIR as JSON, - for standard input) on your executor, without a cloud',
    )
    .option('--shots <n>', `Number of shots (default: ${DEFAULT_SHOTS})`)
    .option(...CONFIG_OPTION)
    .option('--json', 'Print the JSON that the cloud would get')
    .example('  coda run bell.json')
    .example('  coda run bell.json --shots 100 --json')
    .action(run);
}

async function run(file: string, options: RunOptions): Promise<number> {
  const shots = wholeNumberOption('--shots', options.shots, 1, Number.MAX_SAFE_INTEGER) ?? DEFAULT_SHOTS;
  const { runCircuit } = await import('./run-circuit.ts');
  return runCircuit(file, {
    shots,
    json: options.json === true,
    configPath: options.config,
    out: terminal(process.stdout),
    signal: abortOnSignals(),
  });
}
