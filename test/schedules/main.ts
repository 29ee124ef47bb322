// `npm run test:schedules -- [--runs 100000] [--seed n]`: plays random schedules, and prints what they have met.
import { parseArgs } from 'node:util';
import { playMany } from './many.ts';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '100000' }, seed: { type: 'string', default: '' } },
});
const seed = values.seed === '' ? Math.trunc(Math.random() * 1_000_000) : Number(values.seed);
const startedAt = performance.now();
const { runs, seen, failures } = await playMany(Number(values.runs), seed);
const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
process.stdout.write(`${runs} schedules in ${seconds} s, --seed ${seed}\n`);
for (const [what, jobs] of Object.entries(seen))
  process.stdout.write(`${String(jobs).padStart(9)} jobs ${what}\n`);
for (const failure of failures) process.stdout.write(`\n${failure}\n`);
if (failures.length > 0) process.exitCode = 1;
