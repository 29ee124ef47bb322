// An executor sees the same circuits, settings and errors with the shim as with the original package of PyPI.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import { waitUntil } from '../../../src/testing/index.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { mutated, validCircuits } from '../../protocol/arbitraries.ts';
import { HostClient } from './host-client.ts';
import { NO_ORIGINAL, NO_PYTHON, originalWorld, shimWorlds } from './host-pythons.ts';

const SAMPLES = { numRuns: 2000, seed: 15 };
const CIRCUITS = fc.sample(validCircuits, SAMPLES).map((circuit) => JSON.stringify(circuit));
const TEXTS = [
  ...fc.sample(mutated(validCircuits), SAMPLES).map((circuit) => JSON.stringify(circuit)),
  ...fc
    .sample(fc.jsonValue({ maxDepth: 2 }), { ...SAMPLES, numRuns: 200 })
    .map((value) => JSON.stringify(value)),
  ...unusualTexts(),
];

/** JSON that a JavaScript program does not write. */
function unusualTexts(): string[] {
  const circuit = CIRCUITS.find((text) => text.includes('"gate":"rx"')) ?? '';
  const withFirst = (pattern: RegExp, text: string): string => circuit.replace(pattern, text);
  const numbers = [
    '1.0',
    '1e0',
    '-0',
    '-0.0',
    '1E400',
    'NaN',
    'Infinity',
    '-Infinity',
    '1.50',
    '01',
    '+1',
    '0x1',
  ];
  return [
    ...numbers.map((number) => withFirst(/"num_qubits":\d+/, `"num_qubits":${number}`)),
    ...numbers.map((number) => withFirst(/"qubits":\[\d+\]/, `"qubits":[${number}]`)),
    ...numbers.map((number) => withFirst(/"params":\[[^\]]+\]/, `"params":[${number}]`)),
    withFirst(/"version":"1.0",/, ''),
    withFirst(/"version"/, '"version":"0.9","version"'),
    withFirst(/"gate":"rx"/, '"gate":"\\u0072x"'),
    withFirst(/"gate":"rx"/, '"gate":"rx","unknown":{}'),
    withFirst(/"params":\[[^\]]+\]/, '"unknown":0'),
    withFirst(/"source_hash":/, '"source_hash":"\\ud83d\\ude00","other":'),
    withFirst(/"source_hash":/, '"source_hash":"\\ud800","other":'),
    `${circuit}x`,
    circuit.slice(0, -1),
    ` ${circuit}\t`,
    `\ufeff${circuit}`,
    '',
    'null',
  ];
}

/** Everything that the executor `describe.py` saw, one line for each. */
async function seen(t: TestContext, python: string): Promise<string[]> {
  const folder = await temporaryFolder(t);
  const env = { DESCRIBE_TO: join(folder, 'seen'), DESCRIBE_TEXTS: join(folder, 'texts') };
  writeFileSync(env.DESCRIBE_TEXTS, TEXTS.map((text) => `${text}\n`).join(''));
  const host = new HostClient(t, python, { env });
  await host.start('describe:Describing');
  for (const [index, circuit] of CIRCUITS.entries())
    host.ahead({ t: 'circuit', id: `job-${index}` }, circuit);
  // Of several runs that begin at once, the first whose circuit is here is the first.
  host.ahead({ t: 'ping', n: 1 });
  await host.pong();
  for (const index of CIRCUITS.keys())
    host.control({ t: 'run', id: `job-${index}`, shots: 1, circuit: `job-${index}` });
  host.control({ t: 'batch', id: 'rest', jobs: [] });
  const answer = await host.answer(['results', 'error'], 'rest');
  assert.equal(answer.t, 'results', String(answer['traceback']));
  await waitUntil('the runs', () => host.unread.length > CIRCUITS.length);
  assert.deepEqual(
    host.unread.filter(({ t: kind }) => kind === 'error'),
    [],
  );
  await host.close();
  return readFileSync(env.DESCRIBE_TO, 'utf8').trimEnd().split('\n');
}

/** Two lines from a little before their first difference. */
function difference(original: string, shim: string): string {
  let same = 0;
  while (same < original.length && original[same] === shim[same]) same += 1;
  const start = Math.max(0, same - 100);
  return `original … ${original.slice(start, start + 300)}\nshim     … ${shim.slice(start, start + 300)}`;
}

const worlds = shimWorlds();
const withOriginal = originalWorld();
const skip = (withOriginal === undefined && NO_ORIGINAL) || (worlds.length === 0 && NO_PYTHON);

describe('what an executor sees', { skip }, () => {
  let expected: Promise<string[]> | undefined;
  for (const world of worlds) {
    it(`is the same as with the original package with ${world.name}`, async (t) => {
      expected ??= seen(t, withOriginal?.python ?? '');
      const wanted = await expected;
      const got = await seen(t, world.python);
      const differing = wanted.filter((line, index) => line !== got[index]).length;
      const first = wanted.findIndex((line, index) => line !== got[index]);
      const shown = difference(wanted[first] ?? '', got[first] ?? '');
      assert.equal(differing, 0, `${differing} of ${wanted.length} differ, first:\n${shown}`);
      assert.equal(got.length, wanted.length);
      assert.ok(wanted.length > 2 * SAMPLES.numRuns);
    });
  }
});
