// Measures how long reading a large circuit takes: JSON.parse alone, the node's parsing and validation, and the same
// circuit as OpenQASM, in turns.
//   parse.js <file> <repetitions>, with --expose-gc
import { readFileSync } from 'node:fs';
import { parseIr } from '../../src/index.ts';
import { parseIrInSteps } from '../../src/kit.ts';
import { parseQasm, printQasm } from '../../src/qasm/index.ts';
import { now } from '../lab/clock.ts';

const [file = '', repetitions = ''] = process.argv.slice(2);
const text = readFileSync(file, 'utf8');
const circuit = parseIr(text);
// As read from a file: one piece, not the many that it was written from.
const program = Buffer.from(printQasm(circuit)).toString();
const times: Record<'json' | 'node' | 'warmJson' | 'qasm', number[]> = {
  json: [],
  node: [],
  warmJson: [],
  qasm: [],
};
for (let i = 0; i < Number(repetitions); i++) {
  times.json.push(timeOf(() => JSON.parse(text)));
  times.node.push(timeOf(() => [...parseIrInSteps(text)]));
}
// Without a collection before each: after one, V8 has forgotten how it had optimised the reader.
for (let i = 0; i < Number(repetitions); i++) {
  times.warmJson.push(durationOf(() => JSON.parse(text)));
  times.qasm.push(durationOf(() => parseQasm(program, { target: circuit.target })));
}
process.stdout.write(JSON.stringify(times));

function timeOf(read: () => unknown): number {
  // So that garbage of the round before does not count.
  (globalThis as { gc?: () => void }).gc?.();
  return durationOf(read);
}

function durationOf(read: () => unknown): number {
  const begin = now();
  read();
  return now() - begin;
}
