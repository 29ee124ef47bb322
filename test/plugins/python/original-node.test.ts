// The real original, the Python coda-node of PyPI, and this node run the same jobs: an executor sees the same circuits.
// ORIGINAL_CIRCUITS=2000 takes more of them: the original needs a minute for so many. host-models.test.ts has 2,000 always,
// without the original's loop.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import { startLocalCloud, waitUntil, type LocalCloud } from '../../../src/testing/index.ts';
import { validCircuits } from '../../protocol/arbitraries.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { coda } from '../../cli/process.ts';
import { DRIVERS } from './host-client.ts';
import { NO_ORIGINAL, NO_PYTHON, originalWorld, shimWorlds } from './host-pythons.ts';

const CIRCUITS = fc
  .sample(validCircuits, { numRuns: Number(process.env['ORIGINAL_CIRCUITS'] ?? 66), seed: 16 })
  .map((circuit, index) => variant(JSON.stringify(circuit), index));

/** Some as other programs than JavaScript's may write them; valid for both nodes. */
function variant(text: string, index: number): string {
  const changes: readonly ((circuit: string) => string)[] = [
    (circuit) => ` ${circuit.replaceAll(/,"(gates|qubits|params|target|metadata)":/g, ' ,\n\t"$1" : ')}\n`,
    (circuit) => circuit.replace(/"num_qubits":(\d+)/, '"num_qubits":$1.0'),
    (circuit) => circuit.replace(/"num_qubits":(\d+)/, '"num_qubits":$1e0,"unknown":{"a":[null]}'),
    (circuit) => circuit.replace('"version":"1.0",', ''),
    (circuit) => circuit.replace('"version"', '"version":"0.9","version"'),
    (circuit) => circuit.replaceAll('"gate":"r', '"gate":"\\u0072'),
    (circuit) => circuit.replaceAll('"params":[]', '"other":0'),
    (circuit) => circuit.replace(/,"compiler_version":"(?:[^"\\]|\\.)*"/, ''),
    (circuit) => circuit.replace(/,"optimization_level":\d/, ''),
    (circuit) => circuit.replace(/"source_hash":"/, '"source_hash":"\\ud83d\\ude00é\\u0000'),
    (circuit) =>
      circuit.replace(
        /"params":\[[^\]]+\]/g,
        `"params":[${['1', '-0', '-0.0', '1e300', '12345678901234567890'][index % 5]}]`,
      ),
  ];
  return changes[index % (2 * changes.length)]?.(text) ?? text;
}

interface Started {
  readonly output: () => string;
  readonly end: () => Promise<unknown>;
}

type Start = (own: LocalCloud, folder: string, env: Readonly<Record<string, string>>) => Started;

/** What the executor saw of each job, in the order of the jobs. */
async function seenUnder(t: TestContext, start: Start): Promise<string[]> {
  const own = await startLocalCloud({ numQubits: 50 });
  const folder = await temporaryFolder(t);
  const jobs = await Promise.all(CIRCUITS.map((ir, index) => own.submit({ ir, shots: index + 1 })));
  const node = start(own, folder, {
    CODA_WEBAPP_URL: own.url,
    CODA_NODE_TOKEN: own.issueToken(),
    CODA_HOST: '127.0.0.1',
    CODA_PORT: '0',
    CODA_EXECUTOR_FACTORY: 'seen:create_executor',
    PYTHONPATH: DRIVERS,
    PYTHONDONTWRITEBYTECODE: '1',
    SEEN: join(folder, 'seen'),
  });
  t.after(async () => {
    await node.end();
    await own.close();
  });
  const isDone = (): boolean => jobs.every((jobId) => own.results.has(jobId));
  await waitUntil('every outcome', isDone, { timeoutMs: 600_000 }).catch((thrown: unknown) => {
    throw new Error(`${own.results.size} outcomes; the node said:\n${node.output().slice(-4000)}`, {
      cause: thrown,
    });
  });
  const failed = jobs.filter((jobId) => own.results.get(jobId)?.status !== 'completed');
  assert.deepEqual(
    failed.map((jobId) => own.results.get(jobId)),
    [],
  );
  const lines = readFileSync(join(folder, 'seen'), 'utf8').trimEnd().split('\n');
  return lines.toSorted((a, b) => Number(/\d+/.exec(a)?.[0]) - Number(/\d+/.exec(b)?.[0]));
}

const original = originalWorld();
const world = shimWorlds().at(-1);
const skip = (original === undefined && NO_ORIGINAL) || (world === undefined && NO_PYTHON);

describe('an executor', { skip }, () => {
  it(`sees ${CIRCUITS.length} circuits under this node as it sees them under the Python coda-node`, async (t) => {
    const [expected, got] = await Promise.all([
      seenUnder(t, (_, folder, env) => {
        const main = 'from coda_node.server.cli import main; main()';
        const child = spawn(original?.python ?? '', ['-c', main, 'start'], {
          cwd: folder,
          env: { PATH: process.env['PATH'], HOME: folder, TMPDIR: folder, ...env },
          stdio: ['ignore', 'pipe', 'pipe'],
        });
        let text = '';
        for (const stream of [child.stdout, child.stderr])
          stream.on('data', (chunk: Buffer) => (text = (text + chunk.toString()).slice(-20_000)));
        const ended = new Promise((resolve) => child.once('exit', resolve));
        const end = (): Promise<unknown> => {
          child.kill('SIGKILL');
          return ended;
        };
        return { output: () => text, end };
      }),
      seenUnder(t, (own, folder, env) => {
        const node = coda(['start'], {
          cwd: folder,
          env: { CODA_STATE_DIR: join(folder, 'state'), CODA_PYTHON: world?.python ?? '', ...env },
        });
        const end = (): Promise<unknown> => {
          assert.deepEqual(own.violations, []);
          node.child.kill('SIGTERM');
          return node.ended;
        };
        return { output: node.output, end };
      }),
    ]);
    assert.equal(got.length, CIRCUITS.length);
    assert.equal(expected.length, CIRCUITS.length);
    const differing = expected.flatMap((line, index) => (line === got[index] ? [] : [index]));
    const [first = 0] = differing;
    assert.equal(
      differing.length,
      0,
      `${differing.length} differ, first:\n${CIRCUITS[first]}\noriginal: ${expected[first]}\nthis:     ${got[first]}`,
    );
  });
});
