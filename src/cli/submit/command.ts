// `coda submit`: submits a circuit as a job to a running `coda dev`.
import type { CAC } from 'cac';
import { JSON_OPTION, wholeNumberOption } from '../terminal/options.ts';
import { terminal } from '../terminal/output.ts';

interface SubmitOptions {
  readonly shots?: string;
  readonly wait?: boolean;
  readonly json?: boolean;
}

export function addSubmit(cli: CAC): void {
  cli
    .command(
      'submit <file>',
      'Submit a circuit (NativeGateIR as JSON, - for standard input) to a running `coda dev`',
    )
    .option('--shots <n>', 'Number of shots (default: 1000)')
    .option('--wait', 'Wait until the job has ended, and show its counts')
    .option(...JSON_OPTION)
    .example('  coda submit bell.json --shots 500 --wait')
    .action(async (file: string, options: SubmitOptions) => {
      const { submitCircuit } = await import('./submit.ts');
      const shots = wholeNumberOption('--shots', options.shots, 1, Number.MAX_SAFE_INTEGER);
      return submitCircuit(file, {
        ...(shots === undefined ? {} : { shots }),
        wait: options.wait === true,
        json: options.json === true,
        out: terminal(process.stdout),
      });
    });
}
