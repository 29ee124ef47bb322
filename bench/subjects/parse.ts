// Measures how long reading a large circuit takes: JSON.parse alone, and the node's parsing and validation, in turns.
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
  // So that garbage of the round before does not count.
  (globalThis as { gc?: () => void }).gc?.();
  const begin = now();
  read();
  return now() - begin;
}
