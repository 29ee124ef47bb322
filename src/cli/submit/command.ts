// `coda submit`: puts a circuit into the stream of a running `coda dev`.
import type { CAC } from 'cac';
import { terminal, wholeNumberOption } from '../terminal/options.ts';

interface SubmitOptions {
  readonly wait?: boolean;
  readonly json?: boolean;
}

export function addSubmit(cli: CAC): void {
  cli
    .command(
      'submit <file>',
      'Submit a circuit (NativeGateIR as JSON, - for standard input) to a running `coda dev`',
    )
    .option('--shots <n>', 'How often to run it (default: 1000)')
    .option('--wait', 'Wait for the end of the job, and show its counts')
    .option('--json', 'Print JSON')
    .example('  coda submit bell.json --shots 500 --wait')
    .action(async (file: string, options: SubmitOptions) => {
      const { submitCircuit } = await import('./submit.ts');
      const shots = wholeNumberOption('--shots', 1, Number.MAX_SAFE_INTEGER);
      return submitCircuit(file, {
        ...(shots === undefined ? {} : { shots }),
        wait: options.wait === true,
        json: options.json === true,
        out: terminal(process.stdout),
      });
    });
}
