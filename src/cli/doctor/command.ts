// `coda doctor`: checks everything that a node needs, and says how to fix what is wrong.
import type { CAC } from 'cac';
import { CONFIG_OPTION, JSON_OPTION, type ConfigOption } from '../terminal/options.ts';
import { paint, terminal } from '../terminal/output.ts';
import { version } from '../../version.ts';

interface DoctorOptions extends ConfigOption {
  readonly json?: boolean;
  readonly online?: boolean;
}

export function addDoctor(cli: CAC): void {
  cli
    .command('doctor', 'Check the machine, the settings, the cloud, Redis, the executor and the VPN')
    .option('--online', 'Also try the credentials: connect to the cloud as the node does')
    .option(...CONFIG_OPTION)
    .option(...JSON_OPTION)
    .example('  coda doctor            before the first start, and whenever something does not work')
    .example('  coda doctor --online')
    .action(doctor);
}

async function doctor(options: DoctorOptions): Promise<number> {
  const out = terminal(process.stdout);
  const { runDoctor } = await import('./run.ts');
  const findings = await runDoctor({ configPath: options.config, online: options.online === true });
  const count = (level: string): number => findings.filter((finding) => finding.level === level).length;
  const [failures, warnings, advised] = [count('failure'), count('warning'), count('advice')];
  if (options.json === true) {
    out.json({ version, ok: failures === 0, findings }, 2);
    return failures === 0 ? 0 : 1;
  }
  const marks = {
    ok: paint(out, 'green', 'ok     '),
    advice: paint(out, 'cyan', 'advice '),
    warning: paint(out, 'cyan', 'warning'),
    failure: paint(out, 'red', 'FAILURE'),
  };
  for (const { check, level, message, remedy } of findings) {
    out.write(`${marks[level]}  ${check.padEnd(11)}  ${message}`);
    if (remedy !== undefined) out.write(`${' '.repeat(22)}→ ${remedy}`);
  }
  const works =
    failures === 0 && warnings === 0 ? 'everything is fine' : `failures: ${failures}, warnings: ${warnings}`;
  out.write('');
  out.write(advised === 0 ? works : `${works}; advice: ${advised} (what would make the node safer)`);
  return failures === 0 ? 0 : 1;
}
