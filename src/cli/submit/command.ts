// `coda submit`: submits a circuit as a job to a running `coda dev`.
import type { CAC } from 'cac';
import {
  JSON_OPTION,
  QASM_OPTIONS,
  targetOption,
  wholeNumberOption,
  type QasmOptions,
} from '../terminal/options.ts';
import { terminal } from '../terminal/output.ts';

interface SubmitOptions extends QasmOptions {
  readonly shots?: string;
  readonly wait?: boolean;
  readonly json?: boolean;
}

export function addSubmit(cli: CAC): void {
  const command = cli
    .command(
      'submit <file>',
      'Submit a circuit (OpenQASM, or NativeGateIR as JSON; - for standard input) to a running `coda dev`',
    )
    .option('--shots <n>', 'Number of shots (default: 1000)')
    .option('--wait', 'Wait until the job has ended, and show its counts')
    .option(...JSON_OPTION)
    .example('  coda submit bell.qasm --shots 500 --wait')
    .example('  coda convert bell.qasm --target cz --compile | coda submit -')
    .action(async (file: string, options: SubmitOptions) => {
      const { submitCircuit } = await import('./submit.ts');
      const shots = wholeNumberOption('--shots', options.shots, 1, Number.MAX_SAFE_INTEGER);
      const target = targetOption(options.target);
      return submitCircuit(file, {
        ...(shots === undefined ? {} : { shots }),
        ...(target === undefined ? {} : { target }),
        compile: options.compile !== false,
        wait: options.wait === true,
        json: options.json === true,
        out: terminal(process.stdout),
      });
    });
  for (const [name, text] of QASM_OPTIONS) command.option(name, text);
}
