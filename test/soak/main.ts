// `npm run soak`: days of a busy QPU, with a fault each minute. Shows what grows.
//   npm run soak -- --minutes 30 --seed 7 --json soak.json
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { messageOf } from '../../src/errors.ts';
import { WrongWords } from '../chaos/command-line.ts';
import { help, wantedBy, type Wanted } from './command-line.ts';
import { play, type HourFigures } from './play.ts';
import { reportOf, textOf } from './report.ts';

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  try {
    const wanted = wantedBy(args);
    if (wanted !== 'help') return await soak(wanted);
    say(help());
    return 0;
  } catch (thrown) {
    if (!(thrown instanceof WrongWords)) throw thrown;
    say(`${thrown.message}\n`);
    return 2;
  }
}

async function soak({ plan, seed, json }: Wanted): Promise<number> {
  // From the folder in which npm was called. Now, so that a wrong path does not cost the hours.
  const path = json === undefined ? undefined : resolve(process.env['INIT_CWD'] ?? '', json);
  if (path !== undefined) write(path, '');
  say(`seed ${seed}, ${plan.days} days of ${((24 * plan.hourMs) / 60_000).toFixed(1)} minutes\n`);
  const played = await play({ plan, seed, onHour: (hour, faults) => progress(hour, faults, plan.days) });
  const report = reportOf(played, plan, seed);
  say(`${process.stdout.isTTY ? '\n' : ''}\n${textOf(report)}`);
  if (path !== undefined) write(path, `${JSON.stringify(report, null, 2)}\n`);
  return report.broken.length === 0 ? 0 : 1;
}

/** On a terminal one line that changes; else a line a day. */
function progress(figures: HourFigures, faults: number, days: number): void {
  const { day, hour, name, millionJobs, rssMb, descriptors } = figures;
  const jobs = Math.round(millionJobs * 1e6).toLocaleString('en-US');
  const line = `day ${day + 1} of ${days}, ${String(hour).padStart(2, '0')}:00 ${name}: ${jobs} jobs, ${faults} faults, ${rssMb?.toFixed(0) ?? '?'} MiB, ${descriptors ?? '?'} files`;
  if (process.stdout.isTTY) say(`\r\x1b[K${line}`);
  else if (hour === 23) say(`${line}\n`);
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (thrown) {
    throw new WrongWords(`--json ${path} cannot be written: ${messageOf(thrown)}`);
  }
}

function say(text: string): void {
  process.stdout.write(text);
}
