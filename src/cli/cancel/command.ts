// `coda cancel`: cancels a job of a running `coda dev`, the way the cloud does it.
import type { CAC } from 'cac';
import { JSON_OPTION } from '../terminal/options.ts';
import { terminal } from '../terminal/output.ts';

export function addCancel(cli: CAC): void {
  cli
    .command('cancel <job>', 'Cancel a job of a running `coda dev`')
    .option(...JSON_OPTION)
    .example('  coda cancel 0d9a2c1e')
    .action(async (job: string, options: { readonly json?: boolean }) => {
      const { cancelJob } = await import('../submit/submit.ts');
      return cancelJob(job, { json: options.json === true, out: terminal(process.stdout) });
    });
}
