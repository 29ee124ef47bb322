// Plays the whole night shift, and puts its table into docs/operating.md. From the root of the repository:
//   node dist/test/chaos/night-shift/write-docs.js
import { FAULTS } from './faults/index.ts';
import { LONG_SIZE, playAll } from './index.ts';
import { lines, OPERATING, writeInto } from './table.ts';

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const all = await playAll(FAULTS, 1, LONG_SIZE.recoverSec, (played) => {
  process.stdout.write(`${lines(played)}\n`);
});
writeInto(OPERATING, all);
if (all.some(({ broken }) => broken.length > 0)) process.exitCode = 1;
