// Takes the time of reading a large circuit: JSON.parse alone, and the node's whole reading and validation, in turns.
//   parse.js <file> <repetitions>, with --expose-gc
import { readFileSync } from 'node:fs';
import { parseIrInSteps } from '../../src/kit.ts';
import { now } from '../lab/clock.ts';

const [file = '', repetitions = ''] = process.argv.slice(2);
const text = readFileSync(file, 'utf8');
const times: { json: number[]; node: number[] } = { json: [], node: [] };
for (let i = 0; i < Number(repetitions); i++) {
  times.json.push(timeOf(() => JSON.parse(text)));
  times.node.push(timeOf(() => [...parseIrInSteps(text)]));
}
process.stdout.write(JSON.stringify(times));

function timeOf(read: () => unknown): number {
  // Nobody pays for the garbage of the one before.
  (globalThis as { gc?: () => void }).gc?.();
  const begin = now();
  read();
  return now() - begin;
}
